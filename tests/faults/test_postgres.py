"""Several processes on one PostgreSQL server, which also crashes again and again."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from solorun.stores.postgres import PostgresRunStore
from tests.fakes.postgres import private_server
from tests.faults.checkers import audit
from tests.faults.conftest import MakeTrials
from tests.faults.history import History
from tests.faults.postgres_database import install_postgres_triggers, read_postgres_database

ROOT = Path(__file__).parents[2]
PROCESSES = 4
SECONDS_BETWEEN_CRASHES = 1.0
CRASHES_PER_ROUND = 10

_ACTIVE = "SELECT COUNT(*) FROM runs WHERE status IN ('pending', 'running')"


@pytest.mark.needs(minutes=4)
async def test_four_processes_on_a_crashing_server_never_have_two_runs_that_work(
    trials: MakeTrials, tmp_path: Path
) -> None:
    tried = trials("P3", "immediate restarts of PostgreSQL under start attempts by four processes", short=1, goal=1_000)
    counts: Counter[str] = Counter()
    with private_server() as server:
        for _ in tried:
            crashes = 2 if tried.seconds is None else CRASHES_PER_ROUND
            racing = asyncio.create_task(_race(server.url, tmp_path, (crashes + 1) * SECONDS_BETWEEN_CRASHES))
            for _ in range(crashes):
                await asyncio.sleep(SECONDS_BETWEEN_CRASHES)
                await asyncio.to_thread(server.crash_and_restart)
            round_counts = await racing
            counts += round_counts
            violations = [f"{name}: {count}" for name, count in round_counts.items() if name.startswith("error")]
            violations += await _audit(server.url)
            tried.judge(violations, tried=crashes)
            tried.notes = f"{counts['won']:,} won, {counts['refused']:,} refused, {counts['unknown']:,} unknown"
    assert counts["won"]
    assert counts["refused"]


@pytest.mark.needs(minutes=8)
async def test_four_processes_on_one_server_never_have_two_active_runs(
    trials: MakeTrials, tmp_path: Path, database_url: str
) -> None:
    tried = trials("P3", "start attempts by four processes on one PostgreSQL server", short=1, goal=1_000_000)
    counts: Counter[str] = Counter()
    store = await PostgresRunStore.open(database_url)
    await store.close()
    install_postgres_triggers(database_url)
    for _ in tried:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("TRUNCATE runs, audit_transitions CASCADE")  # Audits stay cheap.
        round_counts = await _race(database_url, tmp_path, min(tried.seconds or 1.0, 30.0))
        counts += round_counts
        violations = [
            f"{name}: {count}" for name, count in round_counts.items() if name.startswith(("error", "unknown"))
        ]
        violations += audit(History(), read_postgres_database(database_url))
        tried.judge(violations, tried=round_counts.total())
        tried.notes = f"{counts['won']:,} won, {counts['refused']:,} refused, {counts['busy']:,} waited in vain"
    assert counts["won"]
    assert counts["refused"]


async def _race(url: str, witnesses: Path, seconds: float) -> "Counter[str]":
    program = (sys.executable, "-m", "tests.faults.postgres_race", url, str(witnesses))
    processes = [
        await asyncio.create_subprocess_exec(
            *program, f"process {number}", str(seconds), cwd=ROOT, stdout=subprocess.PIPE
        )
        for number in range(PROCESSES)
    ]
    counts: Counter[str] = Counter()
    for process in processes:
        counts.update(json.loads((await process.communicate())[0]))
    return counts


async def _audit(url: str) -> list[str]:
    """Every unknown outcome was resolved, and the database is valid."""
    store = await PostgresRunStore.open(url)
    try:
        found = [finding.message for finding in await store.check()]
    finally:
        await store.close()
    with psycopg.connect(url) as connection:
        row = connection.execute(_ACTIVE).fetchone()
    active = row[0] if row is not None else None
    return found if active == 0 else [*found, f"{active} runs are still active"]
