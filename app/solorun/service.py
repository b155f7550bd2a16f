"""The composition root of a service: it connects an engine with what starts runs and shows them."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from solorun.component import Component, running
from solorun.engine import Engine, now
from solorun.errors import StoreUnavailable, WorkerNotDrainable, WorkerNotFound
from solorun.http.connection_limits import ConnectionLimits
from solorun.http.event_stream import StreamLimits
from solorun.logs import Tail
from solorun.notifications import Composer, Notifier, TargetSender
from solorun.projects import ConfiguredProjects
from solorun.runs import Mirror, Pruner, RunManager
from solorun.settings import Settings
from solorun.step import StepExecutor
from solorun.steps.command_limits import CommandLimits
from solorun.triggers import Hooks, Scheduler, Schedules
from solorun.worker import DEFAULT_LABELS, WorkerState, WorkerStatus

MIN_FREE_BYTES: Final = 64 * 1024 * 1024
"""The service is not ready when the disk of its data directory has less."""


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """All limits that are not settings. Each layer declares its own."""

    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    streams: StreamLimits = field(default_factory=StreamLimits)
    commands: CommandLimits = field(default_factory=CommandLimits)
    notifier_poll_seconds: float = 1.0
    write_seconds: float = 5.0
    """How long a start or a cancel waits for its write before it answers that the store is unavailable."""
    failure_delay_seconds: float = 1.0
    """How long the answer to a wrong token waits once its address has sent too many. The right token never waits."""


DEFAULT_LIMITS: Final = ServiceLimits()


@dataclass(kw_only=True, eq=False, repr=False)
class Service:
    """A running Solorun, for the code that serves it. Created by `Service.open`."""

    engine: Engine
    settings: Settings
    catalog: ConfiguredProjects
    limits: ServiceLimits

    def __post_init__(self) -> None:
        engine, catalog = self.engine, self.catalog
        self.worker, self.directory, self.artifacts = engine.worker, engine.directory, engine.artifacts
        self.store, self.hub = engine.store, engine.hub
        self.tail = Tail(self.hub, self.store)
        self.started_at = now()
        self.manager = RunManager(
            dispatcher=engine.dispatcher,
            shutdown=engine.drain,
            shares_files=not engine.shares_database or self.settings.shared_dir is not None,
            write_limit_seconds=self.limits.write_seconds,
        )
        self.notifier = Notifier(
            outbox=self.store,
            composer=Composer(store=self.store, public_url=self.settings.public_url),
            send=TargetSender(engine.environ, now).send,
            targets=lambda: catalog.configuration.targets,
            environ=engine.environ,
            owner=engine.worker.id,
            shares_outbox=engine.shares_database,
            now=now,
            observe=engine.tracing.observe_delivery,
            poll_seconds=self.limits.notifier_poll_seconds,
        )
        self.pruner = Pruner(store=self.store, projects=catalog, artifacts=self.artifacts, now=now)
        self.hooks = Hooks(manager=self.manager, store=self.store, projects=catalog, environ=engine.environ, now=now)
        self.schedules = Schedules(store=self.store, manager=self.manager, projects=catalog, now=now)
        self.mirror: Mirror | None = None
        """None if no other process uses the database."""
        if engine.shares_database:
            self.mirror = Mirror(dispatcher=engine.dispatcher, notices=engine.notices)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        catalog: ConfiguredProjects,
        *,
        environ: Mapping[str, str] | None = None,
        url: str | None = None,
        executor: StepExecutor | None = None,
        limits: ServiceLimits = DEFAULT_LIMITS,
    ) -> AsyncIterator["Service"]:
        """A service that has ended what an earlier one left behind, and can start runs.

        Leaving the block drains it. `url` is its address for commands, None in a host application. `executor` replaces
        the way steps are executed. Raises DataDirectoryUnusable, DatabaseUnusable.
        """
        async with AsyncExitStack() as stack:
            engine = await stack.enter_async_context(
                Engine.open(
                    settings,
                    catalog,
                    environ=environ,
                    url=url or settings.public_url,
                    owns_process=url is not None,
                    executor=executor,
                    commands=limits.commands,
                    labels=None if settings.database_url is None else DEFAULT_LABELS,
                    capacity=None if settings.execute_runs else 0,
                )
            )
            service = cls(engine=engine, settings=settings, catalog=catalog, limits=limits)
            components: list[Component] = [service.notifier, engine.dispatcher, service.pruner]
            if service.mirror is not None:
                components.append(service.mirror)
            components.append(Scheduler(store=service.store, manager=service.manager, projects=catalog, now=now))
            for component in components:
                await stack.enter_async_context(running(component))
            stack.push_async_callback(service.drain)
            yield service

    async def drain(self) -> None:
        """Admit nothing more, interrupt active runs and wait until they are recorded, within the shutdown limit."""
        await self.manager.drain(self.settings.shutdown_limit_seconds)

    @property
    def shares_database(self) -> bool:
        """Other processes may use the database too."""
        return self.mirror is not None

    async def list_workers(self) -> list[WorkerStatus]:
        """The processes that execute runs, by id. Raises StoreUnavailable."""
        if self.shares_database:
            return await self.store.list_workers()
        state = WorkerState.DRAINING if self.manager.draining else WorkerState.ACTIVE
        runs = tuple(sorted(handle.id for handle in self.manager.registry))
        me = self.worker
        return [WorkerStatus(me.id, me.host, me.labels, me.capacity, state, runs, self.started_at, now())]

    async def lacks_worker(self, labels: tuple[str, ...]) -> bool:
        """Whether no worker begins runs with these labels. False if that is unknown."""
        try:
            return not any(worker.can_begin(labels) for worker in await self.list_workers())
        except StoreUnavailable:
            return False

    async def drain_worker(self, worker_id: str) -> WorkerStatus:
        """Ask a worker to take no new runs. Raises WorkerNotFound, WorkerNotDrainable, StoreUnavailable."""
        worker = next((worker for worker in await self.list_workers() if worker.id == worker_id), None)
        if worker is not None and not self.shares_database:
            raise WorkerNotDrainable
        if worker is None or not await self.store.request_drain(worker_id):
            raise WorkerNotFound(f'There is no worker "{worker_id}".')
        return worker if worker.state is WorkerState.LOST else replace(worker, state=WorkerState.DRAINING)

    def readiness(self) -> list[str]:
        """Why the service is not ready, [] if it is. Uses neither the database nor the network."""
        reasons = []
        if self.manager.draining:
            reasons.append("the service is shutting down")
        if self.store.write_error is not None:
            reasons.append("the last write to the database failed; see the service log")
        elif self.engine.writer.is_behind:
            reasons.append("the log of a run cannot be written")
        try:
            free_bytes = shutil.disk_usage(self.directory.path).free
        except OSError as error:
            reasons.append(f"the data directory is unusable: {error.strerror}")
        else:
            if free_bytes < MIN_FREE_BYTES:
                reasons.append(f"the disk of the data directory has only {free_bytes // 2**20} MiB left")
        if self.catalog.errors:
            # Only the number: readiness is public, and an error may contain paths.
            reasons.append(f"solorun.toml has {len(self.catalog.errors)} error(s); see the service log")
        return reasons
