"""What executes runs: a database, the lease of its runs, and everything from a run's row to its recorded end.

A service builds on an engine what starts runs and shows them. A worker is little more than an engine.
"""

import asyncio
import logging
import os
import re
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime

from solorun.artifacts import ArtifactStore, find_secrets, open_artifact_store
from solorun.component import running
from solorun.errors import DatabaseUnusable
from solorun.execution import LeaseKeeper, RunExecutor, RunRegistry, StepResources, Supervisor, TaskSet
from solorun.logs import DiskReserve, Hub, Writer
from solorun.project import Projects
from solorun.runs import Admission, Dispatcher, Drain, Reaper, ResourceDeclarations, RunNotices, RunQueue
from solorun.settings import DataDirectory, Settings
from solorun.step import StepExecutor
from solorun.steps import StepDispatcher, WorkDeadline, become_subreaper, utf8_environment, withdraw
from solorun.steps.command_limits import CommandLimits
from solorun.store import Store
from solorun.stores.directory_lock import own_data_directory
from solorun.stores.sqlite import SqliteRunStore
from solorun.tracing import Tracing, open_tracing
from solorun.worker import Worker

_logger = logging.getLogger("solorun.service")


@dataclass(kw_only=True, eq=False, repr=False)
class Engine:
    """A running engine. Created by `Engine.open`."""

    worker: Worker
    projects: Projects
    environ: Mapping[str, str]
    secrets: Mapping[str, str]
    """The engine's own, by the name of their variable."""
    directory: DataDirectory
    artifacts: ArtifactStore
    store: Store
    tracing: Tracing
    steps: StepExecutor
    shares_database: bool
    """Other processes may use the database too."""
    keeps_queue: bool

    def __post_init__(self) -> None:
        store, projects, owner = self.store, self.projects, self.worker.id
        hub = self.hub = Hub()
        registry = self.registry = RunRegistry()
        tasks = self.tasks = TaskSet()
        queue = self.queue = RunQueue(hub, registry, projects, now)
        admission = self.admission = Admission(projects)
        self.draining = asyncio.Event()
        """Set when no more runs may begin here."""
        self.notices = RunNotices(store=store, hub=hub, registry=registry, tasks=tasks)
        self.resources = ResourceDeclarations(store=store, projects=projects, registry=registry)
        self.writer = Writer(store, hub, owner=owner)
        reaper = self.reaper = Reaper(
            store=store, registry=registry, tasks=tasks, executor=self.steps, queue=queue, owner=owner, now=now
        )
        self.executor = RunExecutor(
            store=store,
            hub=hub,
            writer=self.writer,
            registry=registry,
            tasks=tasks,
            supervisor=Supervisor(
                executor=self.steps,
                resources=StepResources(store=store, registry=registry, owner=owner),
                artifacts=self.artifacts,
                directory=self.directory,
                runs=store,
                observe_step=self.tracing.observe_step,
            ),
            owner=owner,
            environ=self.environ,
            secrets=self.secrets,
            now=now,
            is_disk_low=DiskReserve(self.directory.path).is_low,
            observe_run=self.tracing.observe_run,
        )
        self.dispatcher = Dispatcher(
            store=store,
            registry=registry,
            executor=self.executor,
            reaper=reaper,
            projects=projects,
            admission=admission,
            queue=queue,
            resources=self.resources,
            worker=self.worker,
            draining=self.draining,
            shares_database=self.shares_database,
            keeps_queue=self.keeps_queue,
            now=now,
        )
        self.drain = Drain(dispatcher=self.dispatcher)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        projects: Projects,
        *,
        environ: Mapping[str, str] | None = None,
        url: str | None = None,
        owns_process: bool = False,
        executor: StepExecutor | None = None,
        commands: CommandLimits | None = None,
        labels: tuple[str, ...] | None = None,
        capacity: int | None = None,
        keeps_queue: bool = True,
    ) -> AsyncIterator["Engine"]:
        """An engine that has ended what an earlier one left behind. It begins queued runs once `dispatcher` is started.

        `url` is the address of the API for commands, `owns_process` if there is no host application. `executor`
        replaces the way steps are executed. `labels` and `capacity` as in Worker; `keeps_queue` as in Dispatcher.
        Raises DataDirectoryUnusable, DatabaseUnusable.
        """
        environ = utf8_environment(os.environ if environ is None else environ)
        directory = DataDirectory(settings.data_dir, settings.shared_dir)
        host = socket.gethostname()
        # It begins with the name of the host, and is never used again.
        owner = f"{re.sub('[^A-Za-z0-9.-]+', '-', host)[:63]}-{secrets.token_hex(8)}"
        async with AsyncExitStack() as stack:
            identity = stack.enter_context(own_data_directory(directory, owner=owner, is_hosted=not owns_process))
            worker = Worker(owner, host, labels, capacity, identity)
            store = await open_store(settings)
            stack.push_async_callback(store.close)
            artifacts = open_artifact_store(settings, directory, environ)
            stack.callback(artifacts.close)
            artifact_secrets = find_secrets(settings, environ)
            if owns_process:
                withdraw(*artifact_secrets)
            last_id = await artifacts.find_last_run_id()
            if await store.reserve_run_ids(last_id):
                _logger.warning("The database is older than the artifacts: ids continue above %d", last_id)
            become_subreaper()
            tracing = open_tracing(settings, environ, owns_process=owns_process)
            await stack.enter_async_context(running(tracing))
            lease = store.open_lease(worker)
            deadline = None if lease is None else stack.enter_context(closing(WorkDeadline()))
            steps = executor or StepDispatcher(
                directory.files,
                environ,
                url=url,
                owns_process=owns_process,
                limits=commands or CommandLimits(),
                deadline=deadline,
            )
            engine = cls(
                worker=worker,
                projects=projects,
                environ=environ,
                secrets={**({"SOLORUN_TOKEN": settings.token} if settings.token else {}), **artifact_secrets},
                directory=directory,
                artifacts=artifacts,
                store=store,
                tracing=tracing,
                steps=steps,
                shares_database=lease is not None,
                keeps_queue=keeps_queue,
            )
            if lease is not None and deadline is not None:
                keeper = LeaseKeeper(
                    lease,
                    engine.registry,
                    on_drain=engine.draining.set,
                    on_run_notice=engine.notices.receive,
                    on_renewed=deadline.set,
                )
                await stack.enter_async_context(running(keeper))
                await engine.reaper.release_predecessors(worker)
                await engine.reaper.recover_now_or_later()
            else:
                await engine.reaper.recover()
            await stack.enter_async_context(running(engine.writer))
            stack.push_async_callback(engine.tasks.stop)
            if lease is not None:
                engine.tasks.spawn(engine.reaper.watch(), name="watch for orphaned runs")
                engine.tasks.spawn(engine.notices.send_changes(), name="notices to other processes")
                if keeps_queue:
                    engine.tasks.spawn(engine.resources.watch(), name="watch for other declarations of resources")
            yield engine


async def open_store(settings: Settings) -> Store:
    """PostgreSQL if the settings have the URL of a database, else SQLite in the data directory.

    Raises DatabaseUnusable.
    """
    if settings.database_url is None:
        return await SqliteRunStore.open(settings.data_dir)
    try:
        from solorun.stores.postgres import ParamCipher, PostgresRunStore
    except ImportError as error:
        raise missing_cluster_extra("database_url", error) from error
    return await PostgresRunStore.open(settings.database_url, ParamCipher.of(settings))


def missing_cluster_extra(feature: str, error: ImportError) -> DatabaseUnusable:
    """The error of a feature that requires PostgreSQL's driver."""
    return DatabaseUnusable(f"{feature} requires another package: pip install 'solorun[cluster]' ({error}).")


def now() -> datetime:
    """The service's clock: aware UTC."""
    return datetime.now(UTC)
