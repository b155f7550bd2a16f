"""`RunClient`: one method for each request of the HTTP API.

Defines paths and types. `transport.py` does the networking, `log_stream.py` the reconnecting.
"""

from collections.abc import AsyncGenerator, Collection, Mapping
from pathlib import Path
from typing import Final, Self, Unpack
from urllib.parse import quote

import httpx

from solorun.client.artifact_stream import stream_artifact
from solorun.client.backoff import MAX_SECONDS, Backoff
from solorun.client.download_target import save
from solorun.client.keyed_start import start
from solorun.client.log_filters import LogFilters, encode_filters
from solorun.client.log_stream import LogStream
from solorun.client.notification_requests import NotificationRequests
from solorun.client.project_requests import ProjectRequests, project_path
from solorun.client.reconnects import OnDisconnect, Reconnects
from solorun.client.schedule_requests import ScheduleRequests
from solorun.client.transport import COPY_SECONDS, IDLE_TIMEOUT_SECONDS, Connection, Query
from solorun.project import FULL_SCOPE
from solorun.queueing import ConflictPolicy
from solorun.record import LogPage, Record
from solorun.run import Artifact, Run
from solorun.status import Status
from solorun.wire.encoding import decode_records, encode
from solorun.wire.runs import (
    FROM_START,
    ArtifactList,
    CancelRequest,
    PruneReport,
    RerunPreview,
    RerunRequest,
    RunPage,
    StartedRun,
    StartRequest,
)

_NO_RECORDS: Final = 2**53
"""A seq that no log reaches. A stream after it carries only the end of the run."""


class RunClient(NotificationRequests, ProjectRequests, ScheduleRequests):
    """A client for a service.

        async with RunClient("http://127.0.0.1:8700") as client:
            run = await client.start_run("handbook")
            async for record in client.follow(run.id): ...
            run = await client.wait_for_run(run.id)

    Every method raises the error that the service returned (`errors.py`: RunActive, ProjectNotFound, ...), or
    ServiceUnreachable. Any number of tasks can share a client, and cancelling one call does not affect the others.

    A lost stream is reopened after at most `max_retry_seconds`, until the service has been silent for
    `reconnect_seconds`. A stream counts as lost after `idle_timeout_seconds` without a byte: the service sends
    something every 15 s. A start whose answer is lost is repeated with its key, within the same limits. With a
    `traceparent` (W3C Trace Context), its runs belong to that trace.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        reconnect_seconds: float = 60.0,
        max_retry_seconds: float = MAX_SECONDS,
        idle_timeout_seconds: float = IDLE_TIMEOUT_SECONDS,
        traceparent: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._connection = Connection(url, token, transport, traceparent, idle_timeout_seconds=idle_timeout_seconds)
        self._reconnect_seconds = reconnect_seconds
        self._max_retry_seconds = max_retry_seconds

    @property
    def url(self) -> str:
        return self._connection.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. Safe to call twice."""
        await self._connection.close()

    async def start_run(
        self,
        project: str,
        *,
        scope: str = FULL_SCOPE,
        triggered_by: str = "api",
        params: Mapping[str, object] | None = None,
        on_conflict: ConflictPolicy | None = None,
        idempotency_key: str | None = None,
        on_retry: OnDisconnect | None = None,
    ) -> StartedRun:
        """Start a run. `on_conflict` is what to do if the project or a resource is taken; None: what the project says.

        The returned run is `queued` if it has to wait, or was already active if the start joined it. Raises RunActive
        (with the active run), ResourceBusy (with the holders) or QueueFull if the start is refused.

        If the answer is lost or the service cannot start runs now (a 503), the request is repeated for up to
        `reconnect_seconds`. It carries a key, by default a random one, so that no repetition starts a second run.
        `on_retry` is called with the first cause. The same call with the same key returns the same run for 24 hours.
        """
        body = encode(StartRequest(scope, triggered_by, dict(params or {}), on_conflict))
        return await self._start(f"{project_path(project)}/runs", body, idempotency_key, on_retry)

    async def rerun(
        self,
        run_id: int,
        *,
        from_step: str = FROM_START,
        triggered_by: str = "api",
        params: Mapping[str, object] | None = None,
        on_conflict: ConflictPolicy | None = None,
        idempotency_key: str | None = None,
        on_retry: OnDisconnect | None = None,
    ) -> StartedRun:
        """Start a run that repeats an ended one, from its `start`, from the `failed` step or from a step by name.

        `params` replace those of the run; secret ones have to be given again. Raises RunNotEnded, and RunActive.
        A lost answer, `idempotency_key` and `on_retry` are handled as by `start_run`.
        """
        body = encode(RerunRequest(from_step, triggered_by, dict(params or {}), on_conflict))
        return await self._start(f"/runs/{run_id}/rerun", body, idempotency_key, on_retry)

    async def preview_rerun(
        self, run_id: int, *, from_step: str = FROM_START, params: Mapping[str, object] | None = None
    ) -> RerunPreview:
        """What `rerun` would do now: the steps that would run, and the runs whose results they would build on."""
        body = encode(RerunRequest(from_step, params=dict(params or {})))
        path = f"/runs/{run_id}/rerun"
        return await self._connection.request("POST", path, RerunPreview, query={"preview": 1}, body=body)

    async def cancel_run(
        self, run_id: int, *, reason: str = "", requested_by: str = "api", grace_seconds: float | None = None
    ) -> Run:
        """Cancel a run. It stays active until its work has stopped; wait for that with `wait_for_run`.

        `grace_seconds` shortens the project's grace; 0 kills the work now. Raises RunNotActive, with the run, if it has
        ended without being cancelled.
        """
        body = encode(CancelRequest(reason, requested_by, grace_seconds))
        return await self._connection.request("POST", f"/runs/{run_id}/cancel", Run, body=body)

    def follow(
        self,
        run_id: int,
        *,
        after: int = 0,
        tail: int | None = None,
        on_disconnect: OnDisconnect | None = None,
    ) -> LogStream:
        """Follow the run's records after the seq `after`, or only the last `tail` ones and all new ones.

        Lost connections are restored; `on_disconnect` is called with the cause of each.
        """
        return LogStream(self._connection, run_id, self._reconnects(on_disconnect), after=after, tail=tail)

    async def wait_for_run(self, run_id: int) -> Run:
        """Wait until the run has ended. Survives lost connections as `follow` does, but raises ServiceUnreachable
        immediately if the first request fails.
        """
        run = await self.get_run(run_id)
        if run.has_ended:
            return run
        return await self.follow(run_id, after=_NO_RECORDS).wait()

    # -- runs

    async def list_runs(
        self,
        project: str | None = None,
        *,
        statuses: Collection[Status] = (),
        rerun_of: int | None = None,
        page_size: int = 50,
    ) -> AsyncGenerator[Run]:
        """Yield all runs, newest first, requesting pages as needed. With `rerun_of`, only the reruns of that run."""
        cursor = None
        while True:
            page = await self.list_run_page(
                project, statuses=statuses, rerun_of=rerun_of, limit=page_size, cursor=cursor
            )
            for run in page.runs:
                yield run
            cursor = page.next_cursor
            if cursor is None:
                return

    async def list_run_page(
        self,
        project: str | None = None,
        *,
        statuses: Collection[Status] = (),
        rerun_of: int | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> RunPage:
        """One page of runs, newest first. Pass `next_cursor` to get the next one."""
        status = [each.value for each in statuses]
        query: Query = {"status": status, "rerun_of": rerun_of, "limit": limit, "cursor": cursor}
        path = f"{project_path(project)}/runs" if project is not None else "/runs"
        return await self._connection.request("GET", path, RunPage, query=query)

    # -- retention

    async def set_pinned(self, run_id: int, pinned: bool) -> Run:
        """Pin a run, so that it is never deleted, or unpin it."""
        return await self._connection.request("POST" if pinned else "DELETE", f"/runs/{run_id}/pin", Run)

    async def prune(self, project: str | None = None, *, dry_run: bool = False) -> PruneReport:
        """Delete the runs that all projects, or this one, no longer keep. With `dry_run`, only return them."""
        query: Query = {"project": project, "dry_run": int(dry_run)}
        return await self._connection.request("POST", "/prune", PruneReport, query=query)

    # -- logs and artifacts

    async def get_log_page(
        self,
        run_id: int,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        scan: int | None = None,
        context: int | None = None,
        **filters: Unpack[LogFilters],
    ) -> LogPage:
        """One page of the log, by default the last one: at most 1,000 records and about 1 MiB.

        To get the next page, pass the `next` of this one: as `after` if you passed `after`, otherwise as `before`. With
        `scan`, the service reads at most this many records for the page, and does not count matches in the others. With
        `context`, the page's `context` has this many records, at most 100, on each side of the nearest match.
        """
        bounds: Query = {"after": after, "before": before, "limit": limit, "scan": scan, "context": context}
        query: Query = {**bounds, **encode_filters(filters)}
        return await self._connection.request("GET", f"/runs/{run_id}/log", LogPage, query=query)

    async def stream_log(self, run_id: int, **filters: Unpack[LogFilters]) -> AsyncGenerator[list[Record]]:
        """Yield the whole log so far, or the records that pass the filters, in batches as they arrive."""
        async for lines in self._connection.stream_lines(f"/runs/{run_id}/log.ndjson", query=encode_filters(filters)):
            yield self._connection.decode(decode_records, lines)

    async def list_artifacts(self, run_id: int) -> ArtifactList:
        """All pages of the run's artifacts as one list. It is `truncated` after 10,000."""
        path, artifacts, cursor = f"/runs/{run_id}/artifacts", list[Artifact](), None
        while True:
            page = await self._connection.request("GET", path, ArtifactList, query={"cursor": cursor})
            artifacts += page.artifacts
            cursor = page.next_cursor
            if cursor is None:
                return ArtifactList(tuple(artifacts), None, page.truncated)

    def stream_artifact(
        self, run_id: int, name: str, *, on_disconnect: OnDisconnect | None = None
    ) -> AsyncGenerator[bytes]:
        """Yield the artifact's bytes in chunks.

        After a lost connection, continues where the download broke off; `on_disconnect` is called with the cause.
        """
        path = f"/runs/{run_id}/artifacts/{quote(name)}"
        return stream_artifact(self._connection, path, self._reconnects(on_disconnect))

    def stream_artifacts(self, run_id: int) -> AsyncGenerator[bytes]:
        """Yield a zip of all artifacts in chunks."""
        return self._connection.stream(f"/runs/{run_id}/artifacts.zip")

    async def download_artifact(
        self, run_id: int, name: str | None, path: Path, *, on_disconnect: OnDisconnect | None = None
    ) -> None:
        """Save the artifact to `path`; without a name, a zip of all. The file appears only when it is complete.

        A lost connection is restored as in `stream_artifact`, except for a zip, which is made while it is sent. A
        symbolic link is kept, and the file that it points to is replaced; a device or a FIFO is written to.
        """
        if name is None:
            await save(self.stream_artifacts(run_id), path)
        else:
            await save(self.stream_artifact(run_id, name, on_disconnect=on_disconnect), path)

    async def download_backup(self, path: Path) -> None:
        """Save a copy of the service's database to `path`. The file appears only when it is complete."""
        await save(self._connection.stream("/backup", method="POST", idle_timeout_seconds=COPY_SECONDS), path)

    async def _start(self, path: str, body: bytes, key: str | None, on_retry: OnDisconnect | None) -> StartedRun:
        return await start(self._connection, path, body, key, self._reconnects(on_retry))

    def _reconnects(self, on_disconnect: OnDisconnect | None) -> Reconnects:
        backoff = Backoff(max_seconds=self._max_retry_seconds)
        return Reconnects(give_up_seconds=self._reconnect_seconds, backoff=backoff, on_disconnect=on_disconnect)
