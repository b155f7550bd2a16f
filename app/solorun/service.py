"""The composition root: the only place that chooses implementations and puts them together."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import anyio

from solorun.logs import Hub, Tail, Writer
from solorun.projects import Catalog
from solorun.run import Run
from solorun.runs import RunExecutor, RunManager, Supervisor, recover
from solorun.settings import DataDirectory, Settings
from solorun.steps import StepDispatcher, become_subreaper
from solorun.store import RunStore
from solorun.stores.directory_lock import own_data_directory
from solorun.stores.sqlite import SqliteRunStore

MIN_FREE_BYTES: Final = 64 * 1024 * 1024
_CLOSE_LIMIT_SECONDS: Final = 2.0


class Service:
    """Everything that a running Solorun consists of, for those who serve it. Made by `Service.open`."""

    def __init__(
        self,
        *,
        settings: Settings,
        catalog: Catalog,
        store: RunStore,
        hub: Hub,
        writer: Writer,
        manager: RunManager,
        owner: str,
    ) -> None:
        self.settings = settings
        self.catalog = catalog
        self.store = store
        self.hub = hub
        self.tail = Tail(hub, store)
        self.manager = manager
        self.owner = owner
        self.directory = DataDirectory(settings.data_dir)
        self.started_at = now()
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, catalog: Catalog, *, environ: Mapping[str, str] | None = None
    ) -> AsyncIterator["Service"]:
        """A service that has settled what an earlier one left behind, and may start runs.

        Leaving the block drains it. Raises DataDirectoryUnusable, DatabaseUnusable.
        """
        environ = dict(os.environ if environ is None else environ)
        directory = DataDirectory(settings.data_dir)
        owner = secrets.token_hex(8)
        async with AsyncExitStack() as stack:
            stack.enter_context(own_data_directory(directory, owner=owner))
            store = await SqliteRunStore.open(directory.path)
            stack.push_async_callback(store.close)
            become_subreaper()
            executor = StepDispatcher(directory.path, environ)
            await recover(store, executor, owner=owner, now=now)
            hub = Hub()
            writer = Writer(store, hub, owner=owner)
            await stack.enter_async_context(_writing(writer))
            supervisor = Supervisor(executor=executor, directory=directory)
            lifecycle = RunExecutor(
                store=store, hub=hub, writer=writer, supervisor=supervisor, owner=owner, environ=environ, now=now
            )
            manager = RunManager(store=store, hub=hub, lifecycle=lifecycle, projects=catalog, owner=owner, now=now)
            await stack.enter_async_context(manager.working())
            service = cls(
                settings=settings,
                catalog=catalog,
                store=store,
                hub=hub,
                writer=writer,
                manager=manager,
                owner=owner,
            )
            stack.push_async_callback(service.drain)
            yield service

    async def drain(self) -> None:
        """Admit nothing more, interrupt what is active, wait until it is settled, within the shutdown's limit."""
        await self.manager.drain(self.settings.shutdown_limit_seconds)

    def list_active_runs(self) -> list[Run]:
        return self.manager.list_active_runs()

    def readiness(self) -> list[str]:
        """Why the service is not ready; [] when it is. Asks neither the database nor the network."""
        reasons = []
        if self.manager.draining:
            reasons.append("the service is shutting down")
        if self.store.write_error is not None:
            reasons.append("the last write to the database failed; see the service's log")
        elif self._writer.is_behind:
            reasons.append("the log of a run cannot be written")
        try:
            free_bytes = shutil.disk_usage(self.directory.path).free
        except OSError as error:
            reasons.append(f"the data directory cannot be used: {error.strerror}")
        else:
            if free_bytes < MIN_FREE_BYTES:
                reasons.append(f"the disk of the data directory has {free_bytes // 2**20} MiB left")
        if self.catalog.faults:
            # Only how many: readiness is told to everybody, and a fault may name paths.
            reasons.append(f"solorun.toml has {len(self.catalog.faults)} fault(s); see the service's log")
        return reasons


def now() -> datetime:
    """The one clock of the service: aware UTC."""
    return datetime.now(UTC)


@asynccontextmanager
async def _writing(writer: Writer) -> AsyncIterator[None]:
    async with anyio.create_task_group() as task_group:
        task_group.start_soon(writer.run, name="writer")
        try:
            yield
        finally:
            writer.stop()
            # What cannot be written by now is left to the next start's recovery.
            task_group.cancel_scope.deadline = anyio.current_time() + _CLOSE_LIMIT_SECONDS
