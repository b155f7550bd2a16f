"""`RunClient`: every request that the service answers, as a method.

It knows addresses and shapes; the network is `connection.py`'s, and what goes on for long `follow.py`'s.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import httpx
import msgspec

from solorun.client.log_stream import LogStream
from solorun.client.transport import Connection, Query
from solorun.errors import SolorunError
from solorun.project import FULL_SCOPE
from solorun.record import Event, Level, LogPage, Record
from solorun.run import Artifact, Run
from solorun.status import Status
from solorun.wire import (
    ArtifactList,
    CancelRequest,
    ProjectList,
    ProjectSummary,
    RunPage,
    StartRequest,
    decode_records,
    decode_run,
    encode,
)

_decode_project: Final = msgspec.json.Decoder(ProjectSummary).decode
_decode_projects: Final = msgspec.json.Decoder(ProjectList).decode
_decode_run_page: Final = msgspec.json.Decoder(RunPage).decode
_decode_log_page: Final = msgspec.json.Decoder(LogPage).decode
_decode_artifacts: Final = msgspec.json.Decoder(ArtifactList).decode

_NO_RECORDS: Final = 2**53
"""An `after` that no log reaches: a stream that says only how the run ended."""


class RunClient:
    """A service's client.

        async with RunClient("http://127.0.0.1:8700") as client:
            run = await client.start_run("handbook")
            async for record in client.follow(run.id): ...
            run = await client.wait_for_run(run.id)

    Every method raises the error that the service answered (`errors.py`: RunActive, ProjectNotFound, ...), or
    ServiceUnreachable. One client serves any number of tasks; being cancelled in one call leaves the others alone.
    `reconnect_seconds` is how long a follow goes on trying without an answer.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        reconnect_seconds: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._connection = Connection(url, token, transport)
        self._reconnect_seconds = reconnect_seconds

    @property
    def url(self) -> str:
        return self._connection.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. Safe twice."""
        await self._connection.close()

    # -- start, cancel, follow

    async def start_run(
        self,
        project: str,
        *,
        scope: str = FULL_SCOPE,
        triggered_by: str = "api",
        params: Mapping[str, str] | None = None,
    ) -> Run:
        """Start a run. Raises RunActive, with the active run, when the project has one.

        After ServiceUnreachable it may or may not have been started: `get_current_run` tells.
        """
        body = encode(StartRequest(scope, triggered_by, dict(params or {})))
        return decode_run(await self._connection.request("POST", f"{_project_path(project)}/runs", body=body))

    async def cancel_run(self, run_id: int, *, reason: str = "", requested_by: str = "api") -> Run:
        """Ask a run to stop. It is active until its work has stopped: `wait_for_run` tells when and how.

        Raises RunNotActive, with the run, when it has ended otherwise than by a cancel.
        """
        body = encode(CancelRequest(reason, requested_by))
        return decode_run(await self._connection.request("POST", f"/runs/{run_id}/cancel", body=body))

    def follow(
        self,
        run_id: int,
        *,
        after: int = 0,
        tail: int | None = None,
        on_lost: Callable[[SolorunError], None] | None = None,
    ) -> LogStream:
        """The run's records after `after`, live, until it has ended. `tail` begins that many before the present end.

        `on_lost` is told the cause when the connection is lost; it is made again by itself.
        """
        return LogStream(
            self._connection,
            run_id,
            after=after,
            tail=tail,
            reconnect_seconds=self._reconnect_seconds,
            on_lost=on_lost,
        )

    async def wait_for_run(self, run_id: int) -> Run:
        """The run when it has ended. Once it follows it survives lost connections as a follow does; where no service
        answers at first it raises ServiceUnreachable at once.
        """
        run = await self.get_run(run_id)
        if run.has_ended:
            return run
        return await self.follow(run_id, after=_NO_RECORDS).wait()

    # -- runs and projects

    async def get_run(self, run_id: int) -> Run:
        return decode_run(await self._connection.request("GET", f"/runs/{run_id}"))

    async def get_current_run(self, project: str) -> Run:
        """The project's active run, else its latest one."""
        return decode_run(await self._connection.request("GET", f"{_project_path(project)}/runs/current"))

    async def list_runs(
        self, project: str | None = None, *, statuses: Collection[Status] = (), page_size: int = 50
    ) -> AsyncGenerator[Run]:
        """All runs, newest first, asked for page by page as they are needed."""
        cursor = None
        while True:
            page = await self.list_run_page(project, statuses=statuses, limit=page_size, cursor=cursor)
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
        limit: int | None = None,
        cursor: str | None = None,
    ) -> RunPage:
        """One page of runs, newest first; `next_cursor` leads to the next."""
        query: Query = {"status": [status.value for status in statuses], "limit": limit, "cursor": cursor}
        path = f"{_project_path(project)}/runs" if project is not None else "/runs"
        return _decode_run_page(await self._connection.request("GET", path, query=query))

    async def list_projects(self) -> ProjectList:
        return _decode_projects(await self._connection.request("GET", "/projects"))

    async def get_project(self, project: str) -> ProjectSummary:
        return _decode_project(await self._connection.request("GET", _project_path(project)))

    # -- what a run left

    async def get_log_page(
        self,
        run_id: int,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        step: str | None = None,
        level: Level | None = None,
        text: str | None = None,
        events: Collection[Event] = (),
    ) -> LogPage:
        """A page of the log; without bounds the last one. `level` means at least; `text` is a substring; `events` are
        those of which a record must tell one.
        """
        query: Query = {
            "after": after,
            "before": before,
            "limit": limit,
            "step": step,
            "level": level.value if level is not None else None,
            "q": text,
            "event": [event.value for event in events],
        }
        return _decode_log_page(await self._connection.request("GET", f"/runs/{run_id}/log", query=query))

    async def stream_log(self, run_id: int) -> AsyncGenerator[list[Record]]:
        """The whole log in batches; of an active run what it has said up to now."""
        unfinished: list[bytes] = []
        async for chunk in self._stream(f"/runs/{run_id}/log.ndjson"):
            lines, newline, rest = chunk.rpartition(b"\n")
            if newline:
                yield decode_records(b"".join([*unfinished, lines]))
                unfinished = []
            unfinished.append(rest)

    async def list_artifacts(self, run_id: int) -> tuple[Artifact, ...]:
        return _decode_artifacts(await self._connection.request("GET", f"/runs/{run_id}/artifacts")).artifacts

    def stream_artifact(self, run_id: int, name: str) -> AsyncGenerator[bytes]:
        """The artifact's bytes, in chunks."""
        return self._stream(f"/runs/{run_id}/artifacts/{quote(name)}")

    async def download_artifact(self, run_id: int, name: str, path: Path) -> None:
        """Write the artifact to `path`, which is there only when the whole of it has come."""
        unfinished = path.with_name(path.name + ".part")
        try:
            async with aclosing(self.stream_artifact(run_id, name)) as chunks:
                with unfinished.open("wb") as file:
                    async for chunk in chunks:
                        file.write(chunk)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    async def _stream(self, path: str) -> AsyncGenerator[bytes]:
        response = await self._connection.open_stream(path)
        try:
            async for chunk in response.aiter_raw():
                yield chunk
        except httpx.HTTPError as error:
            raise self._connection.unreachable(error) from error
        finally:
            await response.aclose()


def _project_path(project: str) -> str:
    return f"/projects/{quote(project, safe='')}"
