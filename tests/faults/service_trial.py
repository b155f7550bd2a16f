"""A trial of a whole service: a separate process, commands that leave marks, and HTTP clients, all recorded."""

import asyncio
import contextlib
import functools
import shutil
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, get_args

import httpx
import pytest

from solorun.run import Run
from solorun.stores.sqlite import SqliteRunStore
from solorun.wire.encoding import decode_run
from tests.fakes.process_table import is_alive
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import Process, ServedService
from tests.faults.checkers import audit
from tests.faults.database import install_triggers, read_database
from tests.faults.forked_service import ForkServer
from tests.faults.history import EndObservation, History, Operation
from tests.faults.memory_disk import MemoryDisk
from tests.faults.trial import DATABASE_NAME

WITNESS = """\
exec 9>>"$WITNESS/lock-$SOLORUN_PROJECT"
flock -n 9 || echo "overlap $SOLORUN_PROJECT $SOLORUN_RUN_ID" >> "$WITNESS/marks"
echo "at $SOLORUN_PROJECT $SOLORUN_RUN_ID" >> "$WITNESS/marks"
echo $$ >> "$WITNESS/pids-$SOLORUN_RUN_ID"
"""
"""Every step begins with this. The kernel releases the lock with its last holder: if a child is left behind, the next
run finds the lock taken."""


_STARTING = threading.Lock()

Form = Literal["serve", "host"]
IN_BOTH_FORMS = pytest.mark.parametrize("form", get_args(Form))


@functools.cache
def _fork_server() -> ForkServer:
    return ForkServer()


def _find_fork_server() -> ForkServer:
    """The only one. Several processes may be started at the same time, each by a thread."""
    with _STARTING:
        return _fork_server()


class ForkedService(ServedService):
    """`solorun serve` with a loop monitor, forked from the fork server."""

    disk: MemoryDisk | None = None
    form: Form | Literal["worker"] = "serve"

    @property
    def data_dir(self) -> Path:
        return super().data_dir if self.disk is None else self.disk.path

    def spawn_another(self, arguments: list[str], log_file: Path) -> Process:
        """Start another process on the same directory."""
        mounts_of = None if self.disk is None else self.disk.holder
        return _find_fork_server().fork(self.directory, self._environ, arguments, log_file, mounts_of)

    def _spawn(self, arguments: list[str]) -> Process:
        return self.spawn_another([self.form, *arguments[1:]], self.log_file)


class ServiceTrial:
    """Clients of one service that can be killed and restarted. Use it inside `async with service_trial(...)`."""

    client: httpx.AsyncClient

    def __init__(
        self,
        directory: Path,
        steps: dict[str, str],
        extra: str,
        environ: dict[str, str],
        settings: Mapping[str, Mapping[str, object]],
        *,
        grace: str,
    ) -> None:
        self.directory = directory
        self.witness = directory / "witness"
        self.witness.mkdir()
        self.history = History()
        self.projects = tuple(steps)
        for name, script in steps.items():
            (directory / f"{name}.sh").write_text(WITNESS + script)
        toml = extra + "".join(
            project_toml(
                name,
                {"work": ["/bin/sh", f"{name}.sh"]},
                cancel_grace=grace,
                env={"WITNESS": str(self.witness)},
                **settings.get(name, {}),
            )
            for name in steps
        )
        self._stalls = directory / "stalls"
        self._stalled: list[str] = []
        self._toml, self._environ = toml, {"STALLS": str(self._stalls)} | environ
        self.service = ForkedService(directory, toml, self._environ)
        self._readers: list[asyncio.Task[Run | None]] = []

    @property
    def database(self) -> Path:
        return self.service.data_dir / DATABASE_NAME

    async def up(self) -> None:
        """Start the service, after installing the database's triggers."""
        if not self.database.exists():
            await self._prepare(self.service.data_dir if self.service.disk is None else self.directory / "prepared")
        self._collect_stalls()
        await asyncio.to_thread(self.service.start)
        self._stalls.touch()  # the loop monitor begins

    def prepare_another(self, name: str) -> ForkedService:
        """Another service with the same projects, which has not been started. Its stalls are not collected."""
        return ForkedService(*self.prepare_arguments(name))

    def prepare_arguments(self, name: str) -> tuple[Path, str, dict[str, str]]:
        """A directory for another process with the same projects, its configuration and its environment."""
        directory = self.directory / name
        directory.mkdir()
        for script in self.directory.glob("*.sh"):
            shutil.copy(script, directory)
        return directory, self._toml, self._environ | {"STALLS": str(directory / "stalls")}

    def pick(self) -> ServedService:
        """The service that gets the next request."""
        return self.service

    async def start(self, project: str) -> int | None:
        """Start a run; returns its id if the start was acknowledged."""
        with self.history.operation("start", project) as operation:
            answer = await self._post(operation, f"/projects/{project}/runs")
            if answer is not None and answer.status_code == 201:
                run_id: int = answer.json()["id"]
                operation.ok(run_id)
                return run_id
            if answer is not None and answer.status_code == 409:
                operation.fail(answer.json().get("active_run", {}).get("id"))
        return None

    async def cancel(self, run_id: int) -> None:
        with self.history.operation("cancel", run_id) as operation:
            answer = await self._post(operation, f"/runs/{run_id}/cancel")
            if answer is not None and answer.status_code in {200, 202, 409}:
                operation.ok(answer.status_code)

    def follow(self, run_id: int, *, after: int = 0) -> asyncio.Task[Run | None]:
        """A reader, until the run's end or until it is cut off. At the end it records the surviving processes."""
        reader = asyncio.create_task(self._follow(run_id, after))
        self._readers.append(reader)
        return reader

    async def run_to_end(self, project: str, seconds: float = 60) -> Run:
        """Start a run and wait for the end; returns the run as its reader received it."""
        run_id = await self.start(project)
        assert run_id is not None, self.history.entries[-1]
        async with asyncio.timeout(seconds):
            end = await self.follow(run_id)
        assert end is not None, f"the stream of run {run_id} of {project} ended without an end event"
        return end

    async def ready(self) -> int:
        """The status of /readyz; 0 if nothing answers."""
        try:
            return (await self.client.get(f"{self.service.url}/readyz")).status_code
        except httpx.TransportError:
            return 0

    async def stop(self) -> None:
        """Disconnect all readers and stop the service."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await asyncio.to_thread(self.service.stop)

    async def audit(self, *, at_rest: bool = True) -> list[str]:
        """Stop the service and run all checkers."""
        await self.stop()
        self.history.read_marks(self.witness / "marks")
        violations = audit(self.history, read_database(self._database_at_rest()), at_rest=at_rest)
        return [*violations, *self.take_stalls()]

    def take_stalls(self) -> list[str]:
        """The stalls of the service's loop that have not been reported yet."""
        self._collect_stalls()
        stalled, self._stalled = self._stalled, []
        return stalled

    async def _prepare(self, data_dir: Path) -> None:
        store = await SqliteRunStore.open(data_dir)
        await store.close()
        install_triggers(data_dir / DATABASE_NAME)
        if self.service.disk is not None:
            shutil.copy(data_dir / DATABASE_NAME, self.database)

    def _database_at_rest(self) -> Path:
        if self.service.disk is None:
            return self.database
        # SQLite resolves symbolic links, so it cannot open a path in another process's mount namespace.
        aside = self.directory / "audited"
        aside.mkdir()
        for file in self.database.parent.glob(f"{DATABASE_NAME}*"):
            shutil.copy(file, aside)
        return aside / DATABASE_NAME

    def _collect_stalls(self) -> None:
        if self._stalls.exists():
            self._stalled += self._stalls.read_text().splitlines()
            self._stalls.unlink()

    def recorded_pids(self, run_id: int) -> list[str]:
        """The pids that the run's processes recorded."""
        path = self.witness / f"pids-{run_id}"
        return path.read_text().split() if path.exists() else []

    def surviving_pids(self, run_id: int) -> tuple[str, ...]:
        """The recorded pids that are still alive."""
        return tuple(pid for pid in self.recorded_pids(run_id) if is_alive(pid))

    async def _post(self, operation: Operation, path: str) -> httpx.Response | None:
        try:
            answer = await self.client.post(self.pick().api + path)
        except httpx.TransportError:
            operation.unknown()
            return None
        if answer.status_code >= 500:
            operation.fail(answer.json()["type"].rpartition("/")[2])
        return answer

    async def _follow(self, run_id: int, after: int) -> Run | None:
        reading = self.history.read(run_id, after=after)
        with contextlib.suppress(httpx.TransportError):
            async with self.client.stream("GET", f"{self.pick().api}/runs/{run_id}/events?after={after}") as answer:
                async for event, data in events_of(answer):
                    if event == b"end":
                        run = decode_run(data)
                        self.history.end_observations.append(
                            EndObservation(run_id, run.status.value, self.surviving_pids(run_id))
                        )
                        reading.end = run
                        with self.history.operation("end", run_id) as operation:
                            operation.ok(run.status.value)
                        return run
                    if event not in {b"", b"shutdown"}:
                        reading.lines.append(data)
        return None


async def events_of(answer: httpx.Response) -> AsyncIterator[tuple[bytes, bytes]]:
    """The name and data of each complete event of a stream. Incomplete events are ignored."""
    unfinished = b""
    async for chunk in answer.aiter_raw():
        *blocks, unfinished = (unfinished + chunk).split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line and line[:1] != b":")
            yield fields.get(b"event", b""), fields.get(b"data", b"")


@asynccontextmanager
async def service_trial(
    directory: Path,
    steps: dict[str, str],
    *,
    extra: str = "",
    environ: dict[str, str] | None = None,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    grace: str = "300ms",
    disk: MemoryDisk | None = None,
    form: Form = "serve",
) -> AsyncIterator[ServiceTrial]:
    """A trial with a project for each of `steps`, which gives the shell script of its only step. `settings` are further
    keys of projects.

    With a `disk`, the data directory is on it. The form is `solorun serve`, or a host program that mounts Solorun. A
    stall of the loop of `solorun serve` is a violation in every trial, and fails those that end without an audit.
    """
    directory.mkdir(parents=True, exist_ok=True)
    trial = ServiceTrial(directory, steps, extra, environ or {}, settings or {}, grace=grace)
    trial.service.disk, trial.service.form = disk, form
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as trial.client:
        try:
            await trial.up()
            yield trial
        finally:
            await trial.stop()
    stalls = trial.take_stalls()
    assert not stalls, "\n".join(stalls)
