"""kill -9 of the service under starts with all policies and repeated keys, on each database."""

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from solorun.stores.postgres import PostgresRunStore
from tests.faults.checkers import START_CHECKERS, audit
from tests.faults.conftest import MakeTrials
from tests.faults.database import Database, read_database
from tests.faults.mixed_starts import MixedStarts
from tests.faults.postgres_database import expire_lease, install_postgres_triggers, read_postgres_database
from tests.faults.service_trial import ServiceTrial, service_trial

PROJECTS = {"alone": "echo done", "first": "echo done; sleep 0.05", "second": "echo done; sleep 0.02"}
SHARED = "[resources.gpu]\nslots = 1\n"
SHARES = {"first": {"resources": ["gpu"]}, "second": {"resources": ["gpu"]}}
WHAT = "kill -9 of the service under 200 clients with all policies and repeated keys"
TAGS = """
SELECT id, triggered_by,
    COALESCE(error_message, '') LIKE 'it could not be st%' OR COALESCE(cancel_requested_by, '') = 'solorun'
FROM runs"""
"""A run whose start was not confirmed in time is failed or, if it was queued, cancelled, and gives its key back."""


@pytest.mark.needs(minutes=5)
async def test_mixed_starts_stay_in_order_however_often_the_service_is_killed(
    trials: MakeTrials, memory_path: Path
) -> None:
    tried = trials("P23", f"{WHAT} (SQLite)", short=1, goal=200)
    for number in tried:
        async with service_trial(memory_path / str(number), PROJECTS, extra=SHARED, settings=SHARES) as trial:
            starts = MixedStarts(trial, PROJECTS)
            kills = await load(trial, starts, is_long=tried.is_long)
            violations = await trial.audit()
            with closing(sqlite3.connect(trial.database)) as connection:
                tags = connection.execute(TAGS).fetchall()
            violations += starts.find_violations(read_database(trial.database), tags)
            tried.judge(violations, tried=kills)
            tried.notes = describe(starts, read_database(trial.database))
        shutil.rmtree(trial.directory)


@pytest.mark.needs(minutes=5)
@pytest.mark.parametrize("services", [1, 2])
async def test_mixed_starts_stay_in_order_on_postgresql(
    trials: MakeTrials, memory_path: Path, database_url: str, services: int
) -> None:
    tried = trials("P23", f"{WHAT} (PostgreSQL, services: {services})", short=1, goal=200)
    store = await PostgresRunStore.open(database_url)
    await store.close()
    install_postgres_triggers(database_url)
    environ = {"SOLORUN_DATABASE_URL": database_url}
    for number in tried:
        directory = memory_path / str(number)
        async with service_trial(directory, PROJECTS, extra=SHARED, settings=SHARES, environ=environ) as trial:
            starts = MixedStarts(trial, PROJECTS)
            others = [trial.prepare_another(str(other)) for other in range(1, services)]
            for other in others:
                await asyncio.to_thread(other.start)
            starts.services += others
            kills = await load(trial, starts, is_long=tried.is_long, url=database_url)
            for other in others:
                await asyncio.to_thread(other.stop)
            await trial.stop()
            trial.history.read_marks(trial.witness / "marks")
            database = read_postgres_database(database_url)
            with psycopg.connect(database_url) as connection:
                tags = connection.execute(TAGS).fetchall()
            violations = audit(trial.history, database, checkers=START_CHECKERS)
            tried.judge([*violations, *starts.find_violations(database, tags)], tried=kills)
            tried.notes = describe(starts, database)
        shutil.rmtree(directory)


async def load(trial: ServiceTrial, starts: MixedStarts, *, is_long: bool, url: str = "") -> int:
    """Use the service and kill it again and again. Returns the number of kills."""
    clients = [asyncio.create_task(starts.use(str(number))) for number in range(200 if is_long else 12)]
    kills, longest = (20, 5.0) if is_long else (2, 0.8)
    for _ in range(kills):
        await asyncio.sleep(longest * (0.2 + 0.8 * random.random()))
        await asyncio.to_thread(trial.service.kill)
        if url:
            await asyncio.to_thread(expire_lease, url, trial.service.data_dir)
        await trial.up()
    await asyncio.sleep(longest / 4)
    starts.stopping = True
    await asyncio.gather(*clients)
    await starts.finish()
    return kills


def describe(starts: MixedStarts, database: Database) -> str:
    answers = ", ".join(f"{count:,} times {status}" for status, count in sorted(starts.answers.items()))
    return f"the last one: {len(database.runs):,} runs, {answers}"
