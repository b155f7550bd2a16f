"""The composition root: the only place that chooses implementations and connects them."""

import asyncio
import logging
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from solorun.component import running
from solorun.errors import DatabaseUnusable
from solorun.execution import LeaseKeeper, RunExecutor, RunRegistry, StepResources, Supervisor, TaskSet
from solorun.execution.artifacts import ArtifactListings, find_last_run_id
from solorun.http.connection_limits import ConnectionLimits
from solorun.http.event_stream import StreamLimits
from solorun.logs import DiskReserve, Hub, Tail, Writer
from solorun.notifications import Composer, Notifier, NotifierLimits, TargetSender
from solorun.projects import ConfiguredProjects
from solorun.runs import Admission, Dispatcher, Mirror, Pruner, Reaper, RunManager, RunQueue
from solorun.settings import DataDirectory, Settings
from solorun.step import StepExecutor
from solorun.steps import StepDispatcher, become_subreaper, utf8_environment
from solorun.steps.command_limits import CommandLimits
from solorun.store import Store
from solorun.stores.directory_lock import own_data_directory
from solorun.stores.sqlite import SqliteRunStore
from solorun.tracing import open_tracing
from solorun.triggers import Hooks, Scheduler, Schedules

MIN_FREE_BYTES: Final = 64 * 1024 * 1024
"""The service is not ready when the disk of its data directory has less."""


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """All limits that are not settings. Each layer declares its own."""

    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    streams: StreamLimits = field(default_factory=StreamLimits)
    commands: CommandLimits = field(default_factory=CommandLimits)
    notifications: NotifierLimits = field(default_factory=NotifierLimits)
    write_seconds: float = 5.0
    """How long a start or a cancel waits for its write before it answers that the store is unavailable."""
    failure_delay_seconds: float = 1.0
    """How long the answer to a wrong token waits once its address has sent too many. The right token never waits."""


DEFAULT_LIMITS: Final = ServiceLimits()

_logger = logging.getLogger("solorun.service")


@dataclass(kw_only=True, eq=False)
class Service:
    """A running Solorun, for the code that serves it. Created by `Service.open`."""

    settings: Settings
    catalog: ConfiguredProjects
    directory: DataDirectory
    artifacts: ArtifactListings
    store: Store
    hub: Hub
    tail: Tail
    writer: Writer
    manager: RunManager
    pruner: Pruner
    notifier: Notifier
    hooks: Hooks
    schedules: Schedules
    limits: ServiceLimits
    started_at: datetime

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
        environ = utf8_environment(os.environ if environ is None else environ)
        directory = DataDirectory(settings.data_dir)
        owner = secrets.token_hex(8)
        async with AsyncExitStack() as stack:
            stack.enter_context(own_data_directory(directory, owner=owner))
            store = await open_store(settings)
            stack.push_async_callback(store.close)
            last_id = await asyncio.to_thread(find_last_run_id, directory.path / "artifacts")
            if await store.reserve_run_ids(last_id):
                _logger.warning("The database is older than the artifacts: ids continue above %d", last_id)
            become_subreaper()
            tracing = open_tracing(settings, environ, owns_process=url is not None)
            await stack.enter_async_context(running(tracing))
            steps = tracing.observe_steps(
                executor
                or StepDispatcher(
                    directory.path,
                    environ,
                    url=url or settings.public_url,
                    owns_process=url is not None,
                    limits=limits.commands,
                )
            )
            hub = Hub()
            registry = RunRegistry()
            queue = RunQueue(hub, registry, catalog, now)
            tasks = TaskSet()
            reaper = Reaper(
                store=store, registry=registry, tasks=tasks, executor=steps, queue=queue, owner=owner, now=now
            )
            if (lease := store.open_lease(owner)) is not None:
                await stack.enter_async_context(running(LeaseKeeper(lease, registry)))
            await reaper.recover()
            writer = await stack.enter_async_context(running(Writer(store, hub, owner=owner)))
            await stack.enter_async_context(running(tasks))
            step_resources = StepResources(store=store, registry=registry, owner=owner)
            run_executor = RunExecutor(
                store=store,
                hub=hub,
                writer=writer,
                registry=registry,
                tasks=tasks,
                supervisor=Supervisor(executor=steps, resources=step_resources, directory=directory),
                owner=owner,
                environ=environ,
                token=settings.token,
                now=now,
                is_disk_low=DiskReserve(directory.path).is_low,
                observe_run=tracing.observe_run,
            )
            admission = Admission(catalog)
            dispatcher = Dispatcher(
                store=store,
                registry=registry,
                executor=run_executor,
                reaper=reaper,
                projects=catalog,
                admission=admission,
                queue=queue,
                owner=owner,
                now=now,
            )
            manager = RunManager(
                store=store,
                hub=hub,
                registry=registry,
                tasks=tasks,
                executor=run_executor,
                reaper=reaper,
                admission=admission,
                queue=queue,
                dispatcher=dispatcher,
                projects=catalog,
                owner=owner,
                now=now,
                write_limit_seconds=limits.write_seconds,
            )
            notifier = Notifier(
                outbox=store,
                composer=Composer(store=store, public_url=settings.public_url),
                sender=TargetSender(environ, now),
                targets=lambda: catalog.configuration.targets,
                environ=environ,
                owner=owner,
                shares_outbox=lease is not None,
                now=now,
                limits=limits.notifications,
            )
            artifacts = ArtifactListings(directory)
            stack.callback(artifacts.close)
            pruner = Pruner(store=store, projects=catalog, directory=directory, now=now)
            service = cls(
                settings=settings,
                catalog=catalog,
                directory=directory,
                artifacts=artifacts,
                store=store,
                hub=hub,
                tail=Tail(hub, store),
                writer=writer,
                manager=manager,
                pruner=pruner,
                notifier=notifier,
                hooks=Hooks(manager=manager, store=store, projects=catalog, environ=environ, now=now),
                schedules=Schedules(store=store, projects=catalog, now=now),
                limits=limits,
                started_at=now(),
            )
            await stack.enter_async_context(running(notifier))
            await stack.enter_async_context(running(dispatcher))
            await stack.enter_async_context(running(pruner))
            if lease is not None:
                tasks.spawn(reaper.watch(), name="watch for orphaned runs")
                mirror = Mirror(store=store, hub=hub, queue=queue, registry=registry, owner=owner)
                await stack.enter_async_context(running(mirror))
            scheduler = Scheduler(store=store, manager=manager, projects=catalog, now=now)
            await stack.enter_async_context(running(scheduler))
            stack.push_async_callback(service.drain)
            yield service

    async def drain(self) -> None:
        """Admit nothing more, interrupt active runs and wait until they are recorded, within the shutdown limit."""
        await self.manager.drain(self.settings.shutdown_limit_seconds)

    def readiness(self) -> list[str]:
        """Why the service is not ready, [] if it is. Uses neither the database nor the network."""
        reasons = []
        if self.manager.draining:
            reasons.append("the service is shutting down")
        if self.store.write_error is not None:
            reasons.append("the last write to the database failed; see the service log")
        elif self.writer.is_behind:
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


async def open_store(settings: Settings) -> Store:
    """PostgreSQL if the settings have the URL of a database, else SQLite in the data directory.

    Raises DatabaseUnusable.
    """
    if settings.database_url is None:
        return await SqliteRunStore.open(settings.data_dir)
    try:
        from solorun.stores.postgres import ParamCipher, PostgresRunStore
    except ImportError as error:
        message = f"database_url requires another package: pip install 'solorun[cluster]' ({error})."
        raise DatabaseUnusable(message) from error
    cipher = ParamCipher(settings.secret_key, DataDirectory(settings.data_dir).key_file)
    return await PostgresRunStore.open(settings.database_url, cipher)


def now() -> datetime:
    """The service's clock: aware UTC."""
    return datetime.now(UTC)
