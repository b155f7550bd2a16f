"""Starts, cancels and finds runs: the one place where database, memory and tasks are kept in step.

HTTP comes in above, SQL goes out below; both are unknown here. How a run is carried to its end is in `lifecycle.py`.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import anyio

from solorun.errors import RunActive, RunNotActive, RunNotFound, StoreUnavailable
from solorun.execution.executor import RunExecutor
from solorun.execution.handle import RunHandle
from solorun.logs import Hub
from solorun.outcome import Outcome, StopReason, format_exception
from solorun.project import FULL_SCOPE, Projects
from solorun.run import Run
from solorun.runs.admission import Admission, Admitted
from solorun.runs.detached import Decision
from solorun.runs.reaper import Reaper
from solorun.status import Status, UpdateResult
from solorun.store import NewRun, RunStore

WRITE_LIMIT_SECONDS: Final = 5.0
"""How long a start or a cancel waits for its write before it answers that the store is unavailable."""
_DRAIN_MARGIN_SECONDS: Final = 2.0
"""Of a shutdown's limit, what is kept for killing what outlives its grace and for writing the endings."""

_UNCONFIRMED: Final = "its start was not confirmed by the database"

_logger = logging.getLogger("solorun.runs")


class RunManager:
    """Exclusive runs. Use it inside `async with manager.working():`, on one event loop."""

    def __init__(
        self,
        *,
        store: RunStore,
        hub: Hub,
        lifecycle: RunExecutor,
        projects: Projects,
        owner: str,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._hub = hub
        self._lifecycle = lifecycle
        self._active = lifecycle.active_runs
        self._projects = projects
        self._owner = owner
        self._now = now
        self._admission = Admission(projects)
        # It keeps insert, cancel scope and channel together, and the order of refusals fair. That there is one
        # active run is decided by the unique index.
        self._start_lock = asyncio.Lock()
        self._drain_deadline = math.inf
        self._strays = Reaper(store, self._active, self._start_lock, owner=owner, now=now)
        self._task_group: anyio.abc.TaskGroup | None = None

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Have a task group for as long as the block lasts. Drain before it ends: what is left then is cut off."""
        async with anyio.create_task_group() as task_group:
            self._task_group = self._strays.task_group = task_group
            try:
                yield
            finally:
                self._task_group = self._strays.task_group = None
                self._admission.draining = True
                self._lifecycle.abandon()
                task_group.cancel_scope.cancel()

    @property
    def draining(self) -> bool:
        return self._admission.draining

    # -- start

    async def start_run(
        self,
        project: str,
        *,
        scope: str = FULL_SCOPE,
        triggered_by: str = "api",
        params: Mapping[str, str] | None = None,
    ) -> Run:
        """Start a run of the project, and answer it: pending, its row committed.

        Raises ProjectNotFound, InvalidRequest, RunActive (with the run that is in the way), ServiceDraining, or
        StoreUnavailable after 5 s; then nothing runs and nothing will. A cancelled call leaves the start to be
        decided as if it had waited.
        """
        self._admission.check_draining()
        if self._active.find_by_project(project) is None:
            # A start that is refused anyway asks for no news of the file.
            await self._projects.refresh()
        admitted = self._admission.admit(project, scope=scope, triggered_by=triggered_by, params=params or {})
        if (active := self._active.find_by_project(project)) is not None:
            raise self._refusal(active)
        decision: Decision[Run] = Decision()
        limit = WRITE_LIMIT_SECONDS
        try:
            return await decision.make(
                self._working_group(),
                lambda: self._start(admitted, decision),
                limit_seconds=limit,
                too_late=StoreUnavailable(
                    f"The start of {project} could not be written within {limit:g} s; nothing was started."
                ),
                name=f"start of {project}",
            )
        except StoreUnavailable:
            # Of thousands of starts the last may wait that long for their turn: then it is known who was faster.
            if decision.abandoned and (active := self._active.find_by_project(project)) is not None:
                raise self._refusal(active) from None
            raise

    async def _start(self, admitted: Admitted, decision: Decision[Run]) -> Run:
        async with self._start_lock:
            self._admission.check_draining()
            if decision.abandoned:
                raise StoreUnavailable
            if (active := self._active.find_by_project(admitted.project.name)) is not None:
                raise self._refusal(active)
            run = await self._insert(admitted)
            if decision.abandoned:
                self._strays.settle_later(run, "the database answered too late")
                return run
            active = self._lifecycle.open(admitted, run)
            if self._admission.draining:
                active.cancel_scope.cancel(StopReason.SHUTDOWN)
            await self._begin(active)
            return run

    async def _insert(self, admitted: Admitted) -> Run:
        masker = self._lifecycle.masker_for(admitted.project)
        new = NewRun(
            project=admitted.project.name,
            scope=admitted.scope,
            triggered_by=masker.mask(admitted.triggered_by),
            params={name: masker.mask(value) for name, value in admitted.params.items()},
            created_at=self._now(),
            steps=tuple(step.name for step in admitted.steps),
        )
        settled: int | None = None
        while True:
            try:
                return await self._store.insert_run(new, owner=self._owner)
            except RunActive as refusal:
                if refusal.active_run.id == settled:
                    raise  # it is another owner's: neither ours to execute nor to end
                if (active := self._active.find(refusal.active_run.id)) is not None:
                    if active.run.holds_project:
                        raise self._refusal(active) from None
                    await active.ended.wait()
                    continue
                # A row of ours without a task: an insert that was committed though it raised. Nothing works for it.
                settled = refusal.active_run.id
                await self._strays.settle(refusal.active_run, _UNCONFIRMED)
            except Exception:
                # Whether it was committed is not known.
                self._strays.settle_project_later(new.project, _UNCONFIRMED)
                raise

    async def _begin(self, active: RunHandle) -> None:
        try:
            group = self._working_group()
            group.start_soon(self._lifecycle.run, active, name=f"run {active.id}")
            group.start_soon(self._lifecycle.load_estimate, active, name=f"estimate of run {active.id}")
        except Exception as error:
            await self._lifecycle.finish(active, Outcome(Status.FAILED, format_exception(error)))
            raise

    def _working_group(self) -> anyio.abc.TaskGroup:
        if self._task_group is None:
            raise RuntimeError("the manager is not working")
        return self._task_group

    def _refusal(self, active: RunHandle) -> RunActive:
        retry_after = None
        if active.estimated_seconds is not None and active.run.started_at is not None:
            elapsed = (self._now() - active.run.started_at).total_seconds()
            retry_after = max(1.0, active.estimated_seconds - elapsed)
        return RunActive(active.run, retry_after)

    # -- cancel

    async def cancel_run(self, run_id: int, *, requested_by: str = "api", reason: str = "") -> tuple[Run, bool]:
        """Tell a run to stop. Answers the run, and whether it is active still (False: it was cancelled before).

        The work is told at once, whatever the log and the store do. Raises RunNotFound, RunNotActive when the run
        ended otherwise, StoreUnavailable when the request could not be noted within 5 s (the work is told even so).
        """
        if (active := self._active.find(run_id)) is not None:
            active.request_cancel(requested_by, reason)
        decision: Decision[tuple[Run, bool]] = Decision()
        return await decision.make(
            self._working_group(),
            lambda: self._cancel(run_id, active, requested_by, reason),
            limit_seconds=WRITE_LIMIT_SECONDS,
            too_late=StoreUnavailable(f"The cancel of run {run_id} could not be noted yet; its work is told."),
            name=f"cancel of run {run_id}",
        )

    async def _cancel(self, run_id: int, active: RunHandle | None, requested_by: str, reason: str) -> tuple[Run, bool]:
        if active is None and (active := await self._find_starting(run_id)) is not None:
            active.request_cancel(requested_by, reason)
        if active is not None:
            requested_by, reason = active.channel.mask(requested_by), active.channel.mask(reason)
        try:
            transition, run = await self._store.request_cancel(
                run_id, requested_by=requested_by, reason=reason, at=self._now()
            )
        finally:
            if active is not None:
                active.cancel_recorded.set()
        if transition is UpdateResult.NOT_FOUND:
            raise RunNotFound(f"There is no run {run_id}.")
        if transition is UpdateResult.UPDATED:
            if active is None:
                self._strays.settle_later(run, "it was cancelled before it began")
            elif (topic := self._hub.find(run_id)) is not None and not topic.has_ended:
                self._hub.publish(
                    run_id,
                    cancel_requested_at=run.cancel_requested_at,
                    cancel_requested_by=run.cancel_requested_by,
                    cancel_reason=run.cancel_reason,
                )
                run = topic.run
            _logger.info("Run %s of %s: cancel requested by %s", run.id, run.project, requested_by)
            return run, True
        if run.status is Status.CANCELLED:
            return run, False
        raise RunNotActive(run)

    async def _find_starting(self, run_id: int) -> RunHandle | None:
        """The run, if it is just being started: its row can be seen a moment before its scope can be found."""
        if self._start_lock.locked():
            async with self._start_lock:
                pass
        return self._active.find(run_id)

    # -- find

    async def get_run(self, run_id: int) -> Run:
        """The run as committed: an active one from memory. Raises RunNotFound."""
        if (topic := self._hub.find(run_id)) is not None:
            return topic.run
        return await self._store.get_run(run_id)

    async def get_current_run(self, project: str) -> Run:
        """The project's active run, else its latest. Raises ProjectNotFound, RunNotFound."""
        if (active := self._active.find_by_project(project)) is not None:
            return active.run
        if (run := await self._store.find_latest_run(project)) is not None:
            return await self.get_run(run.id)
        self._projects.get_project(project)
        raise RunNotFound(f"{project} has no run yet.")

    def list_active_runs(self) -> list[Run]:
        """All active runs, as committed, oldest first."""
        return self._hub.list_runs()

    # -- drain

    async def drain(self, limit_seconds: float) -> None:
        """Admit nothing more, interrupt what is active, and wait until all of it is settled, at most so long.

        Safe twice: the earliest limit stands, and a second call with a smaller one shortens the graces.
        """
        self._admission.draining = True
        now = anyio.current_time()
        limit_seconds = min(limit_seconds, max(0.0, self._drain_deadline - now))
        self._drain_deadline = now + limit_seconds
        grace_seconds = max(0.0, limit_seconds - _DRAIN_MARGIN_SECONDS)
        for active in self._active:
            active.max_grace_seconds = min(active.max_grace_seconds, grace_seconds)
            told = active.cancel_scope.cancel(StopReason.SHUTDOWN)
            if not told and active.execution is not None and self._task_group is not None:
                # It is being stopped for another reason, with a grace that may be too long now.
                self._task_group.start_soon(self._lifecycle.shorten_grace, active)
        with anyio.move_on_after(limit_seconds):
            for active in self._active:
                await active.ended.wait()
            async with self._start_lock:
                pass
            for active in self._active:
                await active.ended.wait()
            # A row without a task that was being settled would stay active until the next start.
            await self._strays.wait_settled()
