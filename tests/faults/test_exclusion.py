"""At most one active run: simultaneous starts in one process, and four processes on one database."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.fakes.application import OpenServed, make_open_served
from tests.faults.checkers import audit
from tests.faults.conftest import MakeTrials
from tests.faults.database import read_database
from tests.faults.history import History
from tests.faults.trial import DATABASE_NAME, Trial

ROOT = Path(__file__).parents[2]
STARTS_AT_ONCE = 200
PROCESSES = 4


@pytest.fixture
def open_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenServed:
    return make_open_served(tmp_path, monkeypatch)


@pytest.mark.needs(minutes=1.5)
async def test_one_of_many_simultaneous_posts_wins_and_the_conflicts_name_it(
    trials: MakeTrials, open_served: OpenServed
) -> None:
    tried = trials("P1", "simultaneous POSTs, 200 at a time (ASGI)", short=3, goal=100_000)
    async with open_served() as served:
        for number in tried:
            address = f"/api/v1/projects/glossary-{number}/runs"
            answers = await asyncio.gather(*(served.client.post(address) for _ in range(STARTS_AT_ONCE)))
            statuses = Counter(answer.status_code for answer in answers)
            winners = {answer.json()["id"] for answer in answers if answer.status_code == 201}
            named = {answer.json()["active_run"]["id"] for answer in answers if answer.status_code == 409}
            good = statuses == {201: 1, 409: STARTS_AT_ONCE - 1} and winners == named
            tried.judge([] if good else [f"{statuses}: {winners} won, {named} were named"], tried=STARTS_AT_ONCE)
            (await served.executor.step("extract")).end()


@pytest.mark.needs(minutes=4)
async def test_four_processes_on_one_database_never_have_two_active_runs(trials: MakeTrials, memory_path: Path) -> None:
    tried = trials("P2", "start attempts by four processes on one database", short=1, goal=1_000_000)
    counts: Counter[str] = Counter()
    for number in tried:
        # Each database gets a part of the attempts, which keeps its audit cheap.
        directory = memory_path / str(number)
        directory.mkdir()
        await Trial(directory).prepare()
        round_counts = await _race(directory, min(tried.seconds or 2.0, 30.0))
        counts += round_counts
        violations = [f"{name}: {count}" for name, count in round_counts.items() if name.startswith("error")]
        violations += audit(History(), read_database(directory / DATABASE_NAME))
        tried.judge(violations, tried=round_counts["won"] + round_counts["refused"])
        tried.notes = f"{counts['won']:,} won, {counts['refused']:,} refused"
        shutil.rmtree(directory)
    assert counts["won"]
    assert counts["refused"]


async def _race(directory: Path, seconds: float) -> "Counter[str]":
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.race", str(directory), f"process {number}", str(seconds), "100000",
            cwd=ROOT, stdout=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    counts: Counter[str] = Counter()
    for process in processes:
        counts.update(json.loads((await process.communicate())[0]))
    return counts
