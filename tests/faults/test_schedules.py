"""Four schedulers share one store while their clocks jump and their services restart: each due time fires once."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from solorun.outcome import Outcome
from solorun.queueing import ConflictPolicy, StartResult
from solorun.runs import RunManager, Submission
from solorun.schedule import Firing
from solorun.status import Status
from solorun.store import FinalState, NewRun, Store
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.sqlite import SqliteRunStore
from solorun.triggers import Scheduler
from tests.fakes.declared_projects import DeclaredProjects
from tests.fakes.engine import declare
from tests.fakes.postgres import fresh_schema
from tests.faults.conftest import MakeTrials
from tests.faults.schedule_checker import SCHEDULES, START, find_violations

OWNER = "this-service"
WHAT = "days of two schedules, four services whose clocks jump"


class InstantRuns:
    """Starts runs in a store, like the RunManager, and ends each before another can be queued behind it."""

    draining = False

    def __init__(self, store: Store, now: Callable[[], datetime], turn: asyncio.Lock) -> None:
        self._store, self._now, self._turn = store, now, turn

    async def submit_run(
        self,
        project: str,
        *,
        scope: str,
        triggered_by: str,
        params: Mapping[str, object],
        on_conflict: ConflictPolicy,
        firing: Firing,
    ) -> Submission:
        new = NewRun(project, scope, triggered_by, {}, self._now(), ("work",), on_conflict=on_conflict, firing=firing)
        async with self._turn:
            run = await self._store.insert_run(new, owner=OWNER)
            ending = FinalState(Outcome(Status.FAILED, "instantly"), self._now())
            await self._store.finalize_run(run.id, owner=OWNER, ending=ending)
        return Submission(run, StartResult.STARTED)


class Service:
    """A scheduler with a clock that is wrong by `error`."""

    def __init__(self, store: Store, true_time: SimpleNamespace, turn: asyncio.Lock) -> None:
        self.error = timedelta()
        self._store, self._true_time, self._turn = store, true_time, turn
        self.restart()

    def restart(self) -> None:
        projects = DeclaredProjects(*(declare(each.project, schedules=(each,)) for each in SCHEDULES))
        manager = cast("RunManager", InstantRuns(self._store, self.now, self._turn))
        self.scheduler = Scheduler(store=self._store, manager=manager, projects=projects, now=self.now)

    def now(self) -> datetime:
        moment: datetime = self._true_time.now + self.error
        return moment


async def simulate(store: Store, seed: int, days: int) -> list[str]:
    """Let some days pass. Returns what was not done exactly once."""
    chance = random.Random(seed)
    true_time = SimpleNamespace(now=START)
    turn = asyncio.Lock()
    services = [Service(store, true_time, turn) for _ in range(4)]
    await services[0].scheduler.start_due_runs()
    looks = []
    while true_time.now < START + timedelta(days=days):
        true_time.now += timedelta(minutes=chance.randint(1, 20 * 60))
        for service in services[1:]:
            service.error = timedelta(minutes=chance.choice((0, chance.randint(-3000, 3000))))
        for service in services:
            if chance.random() < 0.2:
                service.restart()
        # At least one clock is right at times. It is sometimes set back, and then right again.
        for error in chance.choice(((0,), (0, -chance.randint(1, 3000), 0))):
            services[0].error = timedelta(minutes=error)
            await asyncio.gather(*(service.scheduler.start_due_runs() for service in services))
        looks.append(true_time.now)
    return await find_violations(store, looks)


@pytest.mark.needs(minutes=15)
async def test_each_due_time_starts_one_run_with_sqlite(trials: MakeTrials, memory_path: Path) -> None:
    tried = trials("P25", f"{WHAT}, SQLite", short=3, goal=100_000)
    for number in tried:
        async with closing_store(await SqliteRunStore.open(memory_path / str(number))) as store:
            tried.judge(await simulate(store, number, 100), tried=100)


@pytest.mark.needs(minutes=5)
async def test_each_due_time_starts_one_run_with_postgresql(trials: MakeTrials, postgres_url: str) -> None:
    tried = trials("P25", f"{WHAT}, PostgreSQL", short=1, goal=10_000)
    for number in tried:
        with fresh_schema(postgres_url) as url:
            async with closing_store(await PostgresRunStore.open(url)) as store:
                tried.judge(await simulate(store, number, 25), tried=25)


@asynccontextmanager
async def closing_store(store: Store) -> AsyncIterator[Store]:
    try:
        yield store
    finally:
        await store.close()
