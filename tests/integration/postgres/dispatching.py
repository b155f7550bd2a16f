"""Services and workers on one database, which look for runs when a test says so."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from solorun.project import Project
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.stores.postgres.lease import PostgresLease
from solorun.worker import Worker
from tests.fakes.engine import Engine, EngineLimits, declare, open_engine

ONE_STEP = ("extract",)
DEFAULT = declare(steps=ONE_STEP, on_conflict=ConflictPolicy.QUEUE)
LIMITS = EngineLimits()
GPU = declare("train", steps=ONE_STEP, worker="gpu")


class Clock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Processes:
    """Services and workers on one database."""

    def __init__(self, stack: AsyncExitStack, directory: Path, database_url: str) -> None:
        self._stack = stack
        self._database_url = database_url
        self._directory = directory
        self.clock = Clock()

    async def open(
        self,
        name: str,
        *projects: Project,
        labels: tuple[str, ...] = ("default",),
        capacity: int | None = None,
        limits: EngineLimits = LIMITS,
    ) -> Engine:
        """Open all of them before the first start: without a lease, a process ends the runs of earlier ones."""
        engine = open_engine(
            self._directory / name,
            *(projects or (DEFAULT, GPU)),
            owner=name,
            worker=Worker(name, name, labels, capacity),
            shares_database=True,
            now=self.clock,
            limits=limits,
        )
        opened = await self._stack.enter_async_context(engine)
        if capacity != 0:
            # It looks as it starts, and once more in its task. After that, it looks when the test says so.
            await opened.until(lambda: opened.faults.calls.count("claim_runs") >= 2)
            async with opened.registry.start_lock:
                pass
        return opened

    def list_as_worker(self, name: str, *, capacity: int) -> None:
        """Give a process a lease, so that the others see it."""
        lease = PostgresLease(self._database_url, Worker(name, name, ("default",), capacity))
        self._stack.callback(lease.end)
        lease.renew()


async def notify(*engines: Engine) -> None:
    """Wake the dispatchers, as a notice of the database does, and let each look."""
    for engine in engines:
        async with engine.registry.start_lock:
            await engine.manager.dispatcher.begin_promoted()


async def complete(engine: Engine) -> Run:
    step = await engine.executor.step("extract")
    step.end()
    return await engine.end_of(step.context.run_id)
