"""Four services share one PostgreSQL database while their clocks jump and they are killed: each due time fires once."""

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from solorun.schedule import FiringOutcome
from solorun.store import Store
from solorun.stores.postgres import PostgresRunStore
from tests.fakes.postgres import fresh_schema
from tests.fakes.project_toml import Call, project_toml
from tests.faults.conftest import MakeTrials
from tests.faults.schedule_checker import SCHEDULES, START, find_violations
from tests.faults.service_trial import ForkedService
from tests.faults.skewed_service import SharedClock

SERVICES = 4
LIMIT_SECONDS = 300.0
WORK = "async def do(step):\n    pass\n"


def declare() -> str:
    tables = []
    for schedule in SCHEDULES:
        tables.append(project_toml(schedule.project, {"work": Call("work:do")}))
        tables.append(f"[[projects.{schedule.project}.schedules]]")
        tables.append(f'cron = "{schedule.cron.expression}"\ntimezone = "{schedule.cron.timezone}"')
        if schedule.jitter_seconds:
            tables.append(f'jitter = "{schedule.jitter_seconds:.0f}s"')
    return "\n".join(tables) + "\n"


class Services:
    """Service processes with clocks of their own. The first one's is right whenever the others are waited for."""

    def __init__(self, directory: Path, database_url: str) -> None:
        self.services: list[ForkedService] = []
        self.clocks: list[SharedClock] = []
        self.kills = 0
        for number in range(SERVICES):
            path = directory / str(number)
            path.mkdir(parents=True)
            (path / "work.py").write_text(WORK)
            clock = SharedClock(path / "clock")
            clock.set(START)
            self.clocks.append(clock)
            environ = {"CLOCK": str(path / "clock"), "SOLORUN_DATABASE_URL": database_url}
            self.services.append(ForkedService(path, declare(), environ))

    def start(self) -> None:
        self.services[0].start()  # it also starts the fork server
        with ThreadPoolExecutor(SERVICES) as threads:
            list(threads.map(ForkedService.start, self.services[1:]))

    def stop(self) -> None:
        with ThreadPoolExecutor(SERVICES) as threads:
            list(threads.map(ForkedService.stop, self.services))

    def kill_and_restart(self, number: int) -> None:
        self.kills += 1
        self.services[number].kill()
        self.services[number].start()

    async def set(self, time: datetime, errors: list[timedelta]) -> None:
        """Set all clocks at the same moment, and wait until each service has looked for what is due."""
        for clock, error in zip(self.clocks, errors, strict=True):
            clock.set(time + error)
        async with asyncio.timeout(LIMIT_SECONDS):
            while not all(clock.is_seen for clock in self.clocks):
                await asyncio.sleep(0.002)


@contextmanager
def running_services(directory: Path, database_url: str) -> Iterator[Services]:
    with ExitStack() as stack:
        services = Services(directory, database_url)
        stack.callback(services.stop)
        services.start()
        yield services


async def simulate(services: Services, store: Store, chance: random.Random, days: int, *, kills: bool) -> list[str]:
    """Let some days pass. Returns what was not done exactly once."""
    time, looks = START, []
    while time < START + timedelta(days=days):
        time += timedelta(minutes=chance.randint(1, chance.choice((20, 20, 24 * 40)) * 60))
        looks.append(time)
        errors = [
            timedelta(minutes=chance.choice((0, chance.randint(-3000, 3000)))) if number else timedelta()
            for number in range(SERVICES)
        ]
        killed = chance.randrange(SERVICES) if kills and chance.random() < 0.03 else None
        setting = asyncio.create_task(services.set(time, errors))
        if killed is not None:
            await asyncio.sleep(chance.random() * 0.1)
            await asyncio.to_thread(services.kill_and_restart, killed)
        await setting
        await until_free(store)
    return await find_violations(store, looks, fine=(FiringOutcome.STARTED, FiringOutcome.SKIPPED))


async def until_free(store: Store) -> None:
    """Wait until no run is queued or active: days are shorter than runs here."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while any(not run.has_ended for run in await store.list_runs(limit=20)):
            await asyncio.sleep(0.005)


@pytest.mark.needs(minutes=30)
async def test_each_due_time_of_four_services_starts_one_run(
    trials: MakeTrials, memory_path: Path, postgres_url: str
) -> None:
    tried = trials(
        "P25", f"days of two schedules, {SERVICES} services whose clocks jump, PostgreSQL", short=1, goal=100_000
    )
    days, kills, fired = (5_000 if tried.is_long else 10), 0, 0
    for number in tried:
        with fresh_schema(postgres_url) as url, running_services(memory_path / str(number), url) as services:
            store = await PostgresRunStore.open(url)
            try:
                found = await simulate(services, store, random.Random(number), days, kills=tried.is_long)
                tried.judge(found, tried=days)
                kills += services.kills
                fired += len(await store.list_firings(limit=10_000))
                tried.notes = f"{fired:,} firings, {kills} kill -9 of a service"
            finally:
                await store.close()
