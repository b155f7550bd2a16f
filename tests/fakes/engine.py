"""The engine on a real database, with scripted steps: everything between HTTP and processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import anyio

import solorun.engine
from solorun.artifacts import DirectoryArtifacts
from solorun.component import running
from solorun.execution import RunRegistry, TaskSet
from solorun.logs import Channel, Hub, Tail, Writer, WriterLimits
from solorun.notification import NotifyTarget
from solorun.parameter import Parameter
from solorun.project import DEFAULT_QUEUE_MAX, CommandStep, Keep, LogLimit, Project, StallTimeout
from solorun.queueing import ConflictPolicy
from solorun.record import Record
from solorun.retries import Retries
from solorun.run import Run
from solorun.runs import RunManager
from solorun.runs.detached import Caller
from solorun.schedule import Schedule
from solorun.settings import DataDirectory
from solorun.status import UpdateResult
from solorun.store import FinalState, Store
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.sqlite import SqliteRunStore
from solorun.tracing import Untraced
from solorun.wire.encoding import decode_records
from solorun.worker import Worker
from tests.fakes.declared_projects import DeclaredProjects
from tests.fakes.patience import PATIENCE_SECONDS
from tests.fakes.steps import ScriptedExecutor
from tests.fakes.stores import FaultyStore, Gate


def system_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def noting_ends() -> Iterator[set[int]]:
    """The ids of the runs whose final state has reached their channel since the block began."""
    ended: set[int] = set()
    close = Channel.close

    def close_and_note(channel: Channel, ending: FinalState) -> asyncio.Future[UpdateResult]:
        ended.add(channel.run_id)
        return close(channel, ending)

    with patch.object(Channel, "close", close_and_note):
        yield ended


@contextmanager
def noting_limits() -> Iterator[list[asyncio.Timeout]]:
    """The limits of the starts and cancels that begin in the block. A test lets one pass with `reschedule(0)`."""
    limits: list[asyncio.Timeout] = []
    init = Caller.__init__

    def init_and_note(caller: Caller, limit: asyncio.Timeout) -> None:
        limits.append(limit)
        init(caller, limit)

    with patch.object(Caller, "__init__", init_and_note):
        yield limits


async def pass_limit(held: Gate, call: Coroutine[Any, Any, object]) -> None:
    """Begin a start or a cancel, and let its limit pass when it is held. Raises what it raises."""
    with noting_limits() as limits:
        calling = asyncio.create_task(call)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await held.reached.wait()
    for limit in limits:
        limit.reschedule(0)
    await calling


@dataclass(frozen=True)
class EngineLimits:
    """The engine's own limits. Those that no test is about are patient."""

    writer: WriterLimits = field(default_factory=WriterLimits)
    write_seconds: float = PATIENCE_SECONDS
    reaper_retry_seconds: float = 0.5
    compaction_pause_seconds: float = 0.05
    poll_seconds: float = 0.05


@dataclass
class Engine:
    """A running engine under test."""

    store: Store
    faults: FaultyStore
    hub: Hub
    writer: Writer
    tail: Tail
    registry: RunRegistry
    tasks: TaskSet
    manager: RunManager
    executor: ScriptedExecutor
    projects: DeclaredProjects
    recovered: list[Run]

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait for a condition that has no event."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while not predicate():
                await anyio.sleep(0.001)

    async def end_of(self, run_id: int) -> Run:
        """Wait until the run has ended, according to its stream."""
        with anyio.fail_after(PATIENCE_SECONDS):
            return [item async for item in self.tail.follow(run_id) if isinstance(item, Run)][-1]

    async def log_of(self, run_id: int, *, after: int = 0) -> list[Record]:
        """Follow the run to its end and return all records after `after`."""
        records: list[Record] = []
        with anyio.fail_after(PATIENCE_SECONDS):
            async for item in self.tail.follow(run_id, after=after):
                if not isinstance(item, Run):
                    records += decode_records(item.payload)
        return records


def declare(
    name: str = "handbook",
    *,
    steps: tuple[str, ...] = ("extract", "generate", "review"),
    timeout_seconds: float | None = None,
    step_timeout_seconds: float | None = None,
    retries: Retries = Retries(),  # noqa: B008 - frozen
    stall_timeout: StallTimeout | None = None,
    cancel_grace_seconds: float = 10.0,
    log_limit: LogLimit = LogLimit(),  # noqa: B008 - frozen
    keep: Keep = Keep(),  # noqa: B008 - frozen
    env: Mapping[str, str] | None = None,
    secrets: tuple[str, ...] = (),
    params: tuple[str | Parameter, ...] = (),
    resources: Mapping[str, int] | None = None,
    step_resources: Mapping[str, Mapping[str, int]] | None = None,
    on_conflict: ConflictPolicy = ConflictPolicy.REJECT,
    queue_max: int = DEFAULT_QUEUE_MAX,
    queue_timeout_seconds: float | None = None,
    schedules: tuple[Schedule, ...] = (),
    notify: tuple[NotifyTarget, ...] = (),
    worker: str | None = None,
) -> Project:
    """A project with scripted steps."""
    return Project(
        name=name,
        title=name,
        directory=Path("/"),
        steps=tuple(
            CommandStep(
                step,
                "true",
                step_timeout_seconds,
                resources=(step_resources or {}).get(step, {}),
                retries=retries,
                stall_timeout=stall_timeout,
            )
            for step in steps
        ),
        timeout_seconds=timeout_seconds,
        cancel_grace_seconds=cancel_grace_seconds,
        log_limit=log_limit,
        keep=keep,
        env=env or {},
        secrets=secrets,
        params=tuple(Parameter(each) if isinstance(each, str) else each for each in params),
        resources=resources or {},
        on_conflict=on_conflict,
        queue_max=queue_max,
        queue_timeout_seconds=queue_timeout_seconds,
        schedules=schedules,
        notify=notify,
        worker=worker,
    )


open_store: Callable[[Path], Awaitable[Store]] = SqliteRunStore.open
"""Opens the store of an engine. Fixtures replace it."""


@asynccontextmanager
async def open_engine(
    data_dir: Path,
    *projects: Project,
    resources: Mapping[str, int] | None = None,
    owner: str = "this start",
    worker: Worker | None = None,
    shares_database: bool = False,
    executor: ScriptedExecutor | None = None,
    environ: Mapping[str, str] | None = None,
    now: Callable[[], datetime] = system_now,
    drain: bool = True,
    limits: EngineLimits = EngineLimits(),
    is_disk_low: Callable[[], bool] = lambda: False,
    wrap: Callable[[SqliteRunStore], Awaitable[None]] | None = None,
    url: str | None = None,
) -> AsyncIterator[Engine]:
    """An engine on `data_dir`. It is drained at the end of the block, unless it should crash instead.

    `wrap` can intercept the store's calls before the store is used. With a `url`, the runs are in PostgreSQL.
    """
    async with AsyncExitStack() as stack:
        real = await (open_store(data_dir) if url is None else PostgresRunStore.open(url))
        stack.push_async_callback(real.close)
        if wrap is not None:
            assert isinstance(real, SqliteRunStore)
            await wrap(real)
        faults = FaultyStore(real)
        directory = DataDirectory(data_dir)
        executor = executor or ScriptedExecutor()
        declared = DeclaredProjects(*(projects or (declare(),)), resources=resources)
        with patch("solorun.engine.now", now):
            engine = solorun.engine.Engine(
                worker=worker or Worker(owner, "this host"),
                projects=declared,
                environ=environ or {},
                secrets={},
                directory=directory,
                artifacts=DirectoryArtifacts(directory),
                store=faults.as_store(),
                tracing=Untraced(),
                steps=executor,
                shares_database=shares_database,
                keeps_queue=True,
            )
        engine.writer.limits = limits.writer
        engine.reaper.retry_seconds = limits.reaper_retry_seconds
        engine.executor.compaction_pause_seconds = limits.compaction_pause_seconds
        engine.executor.is_disk_low = is_disk_low
        recovered = await engine.reaper.recover()
        await stack.enter_async_context(running(engine.writer))
        stack.push_async_callback(engine.tasks.stop)

        manager = RunManager(
            dispatcher=engine.dispatcher, shutdown=engine.drain, write_limit_seconds=limits.write_seconds
        )
        await stack.enter_async_context(running(engine.dispatcher))
        if drain:
            stack.push_async_callback(_drain_if_alive, manager, faults)
        yield Engine(
            store=engine.store,
            faults=faults,
            hub=engine.hub,
            writer=engine.writer,
            tail=Tail(engine.hub, engine.store, poll_seconds=limits.poll_seconds),
            registry=engine.registry,
            tasks=engine.tasks,
            manager=manager,
            executor=executor,
            projects=declared,
            recovered=recovered,
        )


async def _drain_if_alive(manager: RunManager, faults: FaultyStore) -> None:
    """Nothing of an engine that was killed would end within any limit."""
    if not faults.is_dead:
        await manager.drain(PATIENCE_SECONDS)
