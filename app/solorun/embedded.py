"""Solorun inside another Python program: declares projects, runs them, and can be mounted in a web application.

solo = Solorun(data_dir="runs", projects=[Project("handbook", steps=[Coroutine("extract", extract)])])
app = FastAPI(lifespan=solo.lifespan)
app.mount("/runs", solo.app)
"""

import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypedDict, Unpack

from solorun.asgi import SolorunApp
from solorun.auth.permissions import Authorize, Identify
from solorun.declaration import Duration, Project, ProjectKeys, plain
from solorun.errors import ConfigurationInvalid
from solorun.projects import TOP_KEYS, ProjectSet, resolve_settings
from solorun.record import Record
from solorun.run import Run
from solorun.runs import RunManager
from solorun.steps import protect_service
from solorun.wire.encoding import decode_records

_TOKEN_VARIABLE: Final = "SOLORUN_TOKEN"  # noqa: S105 - a name


class SolorunKeys(TypedDict, total=False):
    """Keys of the [service] table that apply to an embedded service, and the other tables of solorun.toml."""

    shared_dir: str | os.PathLike[str]
    database_url: str
    secret_key_file: str | os.PathLike[str]
    artifact_store: str
    public_url: str
    allowed_hosts: list[str]
    execute_runs: bool
    shutdown_limit: Duration
    otlp_endpoint: str
    max_projects_per_pattern: int
    max_streams: int
    max_streams_per_client: int
    resources: Mapping[str, Mapping[str, int]]
    notify: Mapping[str, Mapping[str, Any]]
    defaults: ProjectKeys


class Solorun:
    """A service that runs projects on the event loop of this program.

    It exists between the start and the end of `lifespan`, of an `async with` block, or of `start` and `stop`. It
    can be started again after it has ended, but not twice at the same time. Reads no file and no SOLORUN_* variables.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        projects: Iterable[Project] = (),
        *,
        authorize: Authorize | None = None,
        identify: Identify | None = None,
        token: str | None = None,
        **keys: Unpack[SolorunKeys],
    ) -> None:
        """`data_dir` belongs to one Solorun at a time. Raises ConfigurationInvalid with every error.

        `authorize(request, right, project)` decides what the caller of a request may do; see Authorize. The host
        application has identified the caller by then, so `allowed_hosts` has no effect. Without `authorize`, requests
        need the `token`. Without both, only requests for loopback hosts that no proxy has forwarded are answered.

        `identify(request)` returns the name of the caller, for `triggered_by` and `requested_by`; see Identify. Without
        it, each request names its caller itself.
        """
        if authorize is not None and token is not None:
            raise TypeError("authorize replaces the token; pass only one of both")
        if unknown := keys.keys() - SolorunKeys.__annotations__.keys():
            raise TypeError(f"Solorun has no argument {', '.join(sorted(unknown))}")
        given = plain({"data_dir": data_dir, **keys})
        service = {key: value for key, value in given.items() if key not in TOP_KEYS}
        tables = {key: value for key, value in given.items() if key in TOP_KEYS}
        try:
            self.projects = ProjectSet(projects, {"service": service, **tables})
            environ = {} if token is None else {_TOKEN_VARIABLE: token}
            settings = resolve_settings(
                service, environ, {}, base_dir=Path.cwd(), identifies_callers=authorize is not None
            )
        except ConfigurationInvalid as invalid:
            errors = [replace(error, pointer=_argument_of(error.pointer)) for error in invalid.errors]
            raise ConfigurationInvalid(errors) from None
        self._app = SolorunApp(settings, self.projects, authorize, identify)
        self._running = AsyncExitStack()

    @property
    def app(self) -> SolorunApp:
        """The ASGI application: dashboard, API and event streams. Mount it on any path."""
        return self._app

    @property
    def manager(self) -> RunManager:
        """Starts, cancels and finds runs. Raises RuntimeError while Solorun is not running."""
        return self._app.service.manager

    def lifespan(self, app: object = None) -> AbstractAsyncContextManager[None]:
        """The lifespan of an application that mounts `app`, or a block within the lifespan that it has.

        At its end, no more runs start, and active runs are stopped and recorded as interrupted, within
        `shutdown_limit`. Raises DataDirectoryUnusable if another process owns the data directory, and DatabaseUnusable.
        """
        protect_service(owns_process=False)
        return self._app.lifespan(app)

    async def start(self) -> None:
        """Begin to run: for notebooks and interactive sessions, where no block lasts long enough."""
        await self._running.enter_async_context(self.lifespan())

    async def stop(self) -> None:
        """End what `start` began. Safe to call twice."""
        await self._running.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def follow(self, run_id: int, *, after: int = 0) -> AsyncGenerator[Record, None]:
        """Yield the records of a run after this seq, in order and as they are committed, until the run ends.

        Every record that is yielded is on disk. Raises RunNotFound. Can be cancelled at any time.
        """
        async with aclosing(self._app.service.tail.follow(run_id, after=after)) as items:
            async for item in items:
                if not isinstance(item, Run):
                    for record in decode_records(item.payload):
                        yield record

    async def wait_for_run(self, run_id: int) -> Run:
        """Wait until the run has ended, and return it. Cancelling this does not cancel the run. Raises RunNotFound."""
        after = (await self.manager.get_run(run_id)).last_seq
        async with aclosing(self._app.service.tail.follow(run_id, after=after)) as items:
            async for item in items:
                if isinstance(item, Run):
                    return item
        raise AssertionError("a run is followed to its end")


def _argument_of(pointer: str) -> str:
    """The argument that an error of the [service] table means."""
    return "token" if pointer == _TOKEN_VARIABLE else pointer.removeprefix("service.")
