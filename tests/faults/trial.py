"""A trial of an engine in this process, which records what its clients, readers and steps observe."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import anyio

from solorun.errors import SolorunError, StartRepeated
from solorun.idempotency_key import IdempotencyKey
from solorun.project import Project, StepDeclaration
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.runs import submit_once
from solorun.schedule import Firing
from solorun.step import StepContext
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.engine import Engine, EngineLimits, declare, open_engine, system_now
from tests.fakes.patience import PATIENCE_SECONDS
from tests.fakes.steps import ScriptedExecutor, ScriptedStep
from tests.faults.checkers import audit
from tests.faults.database import install_triggers, read_database
from tests.faults.history import Entry, History, MarkKind
from tests.faults.postgres_database import install_postgres_triggers, read_postgres_database
from tests.faults.target import TARGET

DATABASE_NAME = "solorun.db"


class WitnessedStep(ScriptedStep):
    """A scripted step that leaves marks when it begins and ends."""

    def __init__(self, context: StepContext, history: History, *, unkillable: bool = False) -> None:
        super().__init__(context, unkillable=unkillable)
        self._history = history
        history.mark(context.project, context.run_id, MarkKind.ENTER)

    def end(self, error_message: str | None = None, exit_code: int | None = 0) -> None:
        if self.result is None:
            self._history.mark(self.context.project, self.context.run_id, MarkKind.EXIT)
        super().end(error_message, exit_code)


class WitnessedExecutor(ScriptedExecutor):
    """Starts steps that leave marks in the history. `kill_orphans` ends those left by a crash."""

    def __init__(self, history: History, *, unkillable: bool = False) -> None:
        super().__init__(unkillable=unkillable)
        self.history = history
        self.steps: dict[int, WitnessedStep] = {}
        """The newest step of each run."""

    async def start(self, project: Project, step: StepDeclaration, context: StepContext) -> ScriptedStep:
        witnessed = WitnessedStep(context, self.history, unkillable=self.unkillable)
        self.begun.append(witnessed)
        self.steps[context.run_id] = witnessed
        self._next[step.name].put_nowait(witnessed)
        return witnessed

    async def kill_orphans(self, run_id: int) -> None:
        await super().kill_orphans(run_id)
        if (left := self.steps.get(run_id)) is not None:
            left.end("killed by SIGKILL", -9)


@dataclass
class Trial:
    """Clients of one data directory, over any number of engines, one after another."""

    directory: Path
    history: History = field(default_factory=History)
    projects: tuple[Project, ...] = (declare(steps=("work",), notify=(TARGET,)),)
    resources: Mapping[str, int] | None = None
    now: Callable[[], datetime] = system_now
    limits: EngineLimits = field(default_factory=EngineLimits)
    url: str | None = None
    """Of an empty PostgreSQL database, if the runs are there."""

    def __post_init__(self) -> None:
        self.executor = WitnessedExecutor(self.history)
        self.answer: Entry | None = None
        """The answer to the last start or cancel."""
        self._owners = 0
        self._is_prepared = False
        self._readers: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def engine(self, *, drain: bool = True) -> AsyncIterator[Engine]:
        """An engine that runs during the block. Without `drain` it dies at the end."""
        self._owners += 1
        await self.prepare()
        async with open_engine(
            self.directory,
            *self.projects,
            resources=self.resources,
            owner=f"start {self._owners}",
            executor=self.executor,
            now=self.now,
            drain=drain,
            limits=self.limits,
            url=self.url,
        ) as engine:
            self.running = engine
            try:
                yield engine
            finally:
                if not drain:
                    await self.disconnect_readers()
        if drain:
            await self.disconnect_readers()

    async def prepare(self) -> None:
        """Install the database's triggers before anything writes to it."""
        if self.url is not None:
            if not self._is_prepared:
                await (await PostgresRunStore.open(self.url)).close()
                await asyncio.to_thread(install_postgres_triggers, self.url)
                self._is_prepared = True
            return
        if not (self.directory / DATABASE_NAME).exists():
            store = await SqliteRunStore.open(self.directory)
            await store.close()
        await asyncio.to_thread(install_triggers, self.directory / DATABASE_NAME)

    async def start(self, project: str = "handbook", *, on_conflict: ConflictPolicy | None = None) -> Run | None:
        run = None
        with self.history.operation("start", project) as operation:
            run = await self.running.manager.start_run(project, on_conflict=on_conflict)
            operation.ok(run.id)
        self.answer = operation.answer
        return run

    async def rerun(self, original: Run, from_step: str) -> Run | None:
        run = None
        with self.history.operation("start", original.project) as operation:
            run = (await self.running.manager.reruns.start(original.id, from_step=from_step)).run
            operation.ok(run.id)
        self.answer = operation.answer
        return run

    async def start_due(self, project: str, firing: Firing) -> Run | None:
        """A start for a due time. None if it is refused, also because the due time has started a run."""
        run = None
        with self.history.operation("start", project) as operation:
            try:
                run = (await self.running.manager.submit_run(project, firing=firing)).run
            except StartRepeated as repeated:
                operation.fail(repeated.slug)
            else:
                operation.ok(run.id)
        self.answer = operation.answer
        return run

    async def start_once(self, project: str, key: IdempotencyKey) -> tuple[Run | None, bool]:
        """A start with a key. Returns the run, and whether an earlier start with the key has led to it."""
        submitted = None
        with self.history.operation("start", project) as operation:
            submission = self.running.manager.submit_run(project, key=key)
            submitted = await submit_once(self.running.manager, project, key, submission)
            if submitted.replayed:
                operation.fail("replayed")
            else:
                operation.ok(submitted.run.id)
        self.answer = operation.answer
        return (None, False) if submitted is None else (submitted.run, submitted.replayed)

    async def cancel(self, run_id: int) -> None:
        with self.history.operation("cancel", run_id) as operation:
            operation.ok(await self.running.manager.cancel_run(run_id))
        self.answer = operation.answer

    def follow(self, run_id: int, *, after: int = 0) -> asyncio.Task[None]:
        """A reader, until the run's end or until it disconnects."""
        reader = asyncio.create_task(self._follow(run_id, after))
        self._readers.append(reader)
        return reader

    async def disconnect_readers(self) -> None:
        """Disconnect all readers."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._readers.clear()

    def audit(self, *, at_rest: bool = True) -> list[str]:
        found = read_postgres_database(self.url) if self.url else read_database(self.directory / DATABASE_NAME)
        return audit(self.history, found, at_rest=at_rest)

    async def _follow(self, run_id: int, after: int) -> None:
        reading = self.history.read(run_id, after=after)
        with contextlib.suppress(SolorunError):
            async for item in self.running.tail.follow(run_id, after=after):
                reading.take(item)
                if isinstance(item, Run):
                    with self.history.operation("end", run_id) as operation:
                        operation.ok(item.status)


async def until(predicate: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a condition holds for which no event exists."""
    with anyio.fail_after(seconds):
        while not predicate():
            await anyio.sleep(0.001)
