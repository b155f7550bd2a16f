"""The tools: each reads from the service or acts on it, through a RunClient and with its token."""

import asyncio
from collections import deque
from contextlib import aclosing, suppress
from itertools import islice
from typing import Annotated, Any, Final, Literal

from mcp.server.mcpserver import Context
from pydantic import Field

from solorun.client import RunClient
from solorun.client.failed_step import failed_step_of, find_failed_command, find_first_error
from solorun.client.log_filters import LogFilters
from solorun.client.rerun_warning import warn_of_newer_run
from solorun.mcp.views import (
    ArtifactView,
    FailureView,
    FollowView,
    LogView,
    ProjectsView,
    ProjectView,
    RerunView,
    RunDetails,
    RunsView,
    RunView,
    cut,
    fit,
    lines_of,
)
from solorun.project import FULL_SCOPE
from solorun.queueing import ConflictPolicy
from solorun.record import Event, Level, Record
from solorun.run import MAX_RUN_ID, Run
from solorun.status import Status
from solorun.wire.runs import FROM_FAILED, FROM_START

ACTOR: Final = "mcp"
_MAX_PROJECTS: Final = 200
_MAX_ARTIFACTS: Final = 100
_LINES_BEFORE: Final = 15
_LINES_AFTER: Final = 15

RunName = Annotated[str | int, Field(description="Id of a run, or name of a project for its active or latest run")]
Scope = Annotated[str, Field(description="Steps to run: full, the name of a step, or from:STEP")]
Params = Annotated[dict[str, Any] | None, Field(description="Values by name; list_projects describes them")]
OnConflict = Annotated[
    Literal["reject", "join", "queue"] | None,
    Field(description="What to do if the project or a resource is taken. Default: as the project declares"),
]
Wait = Annotated[float, Field(description="How many seconds to wait for the end", ge=0, le=3600)]
Seq = Annotated[int | None, Field(ge=0, le=MAX_RUN_ID)]


class Tools:
    """One method for each tool. Its docstring is what an agent reads."""

    def __init__(self, client: RunClient) -> None:
        self._client = client

    async def list_projects(self) -> ProjectsView:
        """List the projects, with their scopes, parameters, active and latest runs."""
        listed = await self._client.list_projects()
        return ProjectsView(
            projects=[ProjectView.of(project) for project in listed.projects[:_MAX_PROJECTS]],
            patterns=[family.pattern for family in listed.families[:_MAX_PROJECTS]],
            truncated=max(len(listed.projects), len(listed.families)) > _MAX_PROJECTS,
        )

    async def list_runs(
        self,
        project: str | None = None,
        statuses: list[Status] | None = None,
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
    ) -> RunsView:
        """List runs, newest first: of all projects or of one, with any status or only some."""
        page = await self._client.list_run_page(project, statuses=statuses or (), limit=limit)
        return RunsView(runs=[self._view(run) for run in page.runs], more=page.next_cursor is not None)

    async def show_run(self, run: RunName) -> RunDetails:
        """Show a run with its steps, and the files it left."""
        found = await self._client.find_run(str(run))
        artifacts = (await self._client.list_artifacts(found.id)).artifacts
        return RunDetails(
            run=self._view(found),
            artifacts=[
                ArtifactView(name=each.name, size_bytes=each.size_bytes, url=self._client.url_of(found, each.name))
                for each in islice(artifacts, _MAX_ARTIFACTS)
            ],
            more_artifacts=len(artifacts) > _MAX_ARTIFACTS,
        )

    async def start_run(
        self, project: str, scope: Scope = FULL_SCOPE, params: Params = None, on_conflict: OnConflict = None
    ) -> RunView:
        """Start a run of a project, and return immediately. Use follow_run to wait for its end."""
        policy = ConflictPolicy(on_conflict) if on_conflict else None
        return self._view(
            await self._client.start_run(project, scope=scope, params=params, on_conflict=policy, triggered_by=ACTOR)
        )

    async def rerun(
        self,
        run: RunName,
        from_step: Annotated[
            str, Field(description="failed (the step that stopped the run), start, or the name of a step")
        ] = FROM_FAILED,
        params: Params = None,
        on_conflict: OnConflict = None,
    ) -> RerunView:
        """Run an ended run again with its parameters, from the step that failed or from another one."""
        original = await self._client.find_run(str(run))
        policy = ConflictPolicy(on_conflict) if on_conflict else None
        # From the start, it builds on no results.
        before = (
            None
            if from_step == FROM_START
            else await self._client.preview_rerun(original.id, from_step=from_step, params=params)
        )
        started = await self._client.rerun(
            original.id, from_step=from_step, params=params, on_conflict=policy, triggered_by=ACTOR
        )
        warning = warn_of_newer_run(before, started.id) if before else None
        return RerunView(**self._view(started).model_dump(), warning=warning)

    async def follow_run(
        self,
        run: RunName,
        context: Context[Any, Any],
        wait_seconds: Wait = 45,
        tail: Annotated[int, Field(ge=0, le=200)] = 20,
    ) -> FollowView:
        """Wait until a run has ended, and return it with its last lines. Reports its progress meanwhile.

        If the time is up first, has_ended is false: call this again. Cancelling this call does not cancel the run.
        """
        found = await self._client.find_run(str(run))
        stream = self._client.follow(found.id, tail=tail)
        last: deque[Record] = deque(maxlen=tail)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds), aclosing(stream.batches()) as batches:
                async for batch in batches:
                    last.extend(batch)
                    if text := _describe_progress(batch):
                        await context.report_progress(batch[-1].seq, message=text)
        ended = stream.run or await self._client.get_run(found.id)
        return FollowView(run=self._view(ended), lines=lines_of(fit(last)))

    async def cancel_run(
        self,
        run: RunName,
        reason: Annotated[str, Field(max_length=500)] = "",
        now: Annotated[bool, Field(description="Kill the work instead of letting it clean up")] = False,
        wait_seconds: Wait = 30,
    ) -> RunView:
        """Cancel a run and wait until its work has stopped. It is cancelled only if has_ended is true."""
        found = await self._client.find_run(str(run))
        cancelled = await self._client.cancel_run(
            found.id, reason=reason, requested_by=ACTOR, grace_seconds=0 if now else None
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds):
                cancelled = await self._client.wait_for_run(found.id)
        return self._view(cancelled)

    async def read_log(
        self,
        run: RunName,
        step: str | None = None,
        level: Annotated[Level | None, Field(description="Only this level and above")] = None,
        text: Annotated[
            str | None, Field(description="Only lines that contain this, ignoring case", max_length=1000)
        ] = None,
        after: Seq = None,
        before: Seq = None,
        limit: Annotated[int, Field(ge=1, le=500)] = 100,
    ) -> LogView:
        """Read or search a run's log: by default its last lines, or the lines after or before a position."""
        found = await self._client.find_run(str(run))
        page = await self._client.get_log_page(
            found.id, after=after, before=before, limit=limit, step=step, level=level, text=text
        )
        records, following = list(page.records), page.next
        if after is not None:
            records = fit(records)
            following = records[-1].seq if len(records) < len(page.records) else following
        else:
            records = fit(reversed(records))[::-1]
            following = records[0].seq if len(records) < len(page.records) else following
        return LogView(lines=lines_of(records), matches=page.matches, next=following)

    async def read_failure(self, run: RunName) -> FailureView:
        """Explain why a run failed: its error, its command, the failing lines with their context, and its errors."""
        found = await self._client.find_run(str(run))
        last = _last_attempt_of(found)
        only_errors: LogFilters = {**last, "level": Level.ERROR}
        errors = await self._client.get_log_page(found.id, limit=_LINES_AFTER, **only_errors)
        first = await find_first_error(self._client, found)
        around = await self._client.get_log_page(
            found.id,
            after=max(0, first.seq - _LINES_BEFORE - 1) if first is not None else None,
            limit=_LINES_BEFORE + _LINES_AFTER,
            **last,
        )
        return FailureView(
            run=self._view(found),
            command=cut(await find_failed_command(self._client, found)),
            lines=lines_of(fit(around.records)),
            errors=lines_of(fit(errors.records)),
        )

    def _view(self, run: Run) -> RunView:
        return RunView.of(run, self._client.page_of(run))


def _last_attempt_of(run: Run) -> LogFilters:
    """Selects the last attempt of the step that ended the run, if the step had several."""
    step = failed_step_of(run)
    return {"step": step.name, "attempt": len(step.attempts)} if step and len(step.attempts) > 1 else {}


def _describe_progress(batch: list[Record]) -> str:
    """The last progress, or the last begin or end of a step, in these records; "" if there is none."""
    for record in reversed(batch):
        data = record.data or {}
        if record.event is Event.STEP:
            return f"{data.get('name')}: {data.get('status')}"
        if record.event is Event.PROGRESS:
            total = f"/{data['total']}" if data.get("total") else ""
            return f"{record.step}: {data.get('current')}{total} {data.get('item') or ''}".rstrip()
    return ""
