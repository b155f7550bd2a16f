"""Inverts bytes of the database: requests that need them get a 503 until the file is restored."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from solorun.run import Run
from tests.faults.conftest import MakeTrials
from tests.faults.service_trial import ServiceTrial, service_trial

PAGE_BYTES = 4096
ZSTD_MARK = b"\x28\xb5\x2f\xfd"
OF_A_START = ("runs_by_project", "runs_by_project_and_status", "steps", "sqlite_autoindex_steps_1")
"""Indexes and tables that a start writes to, and that a starting service does not read."""


@pytest.mark.needs(minutes=0.5)
@pytest.mark.parametrize("length", [64, PAGE_BYTES], ids=["some bytes of a segment", "the page of a segment"])
async def test_a_damaged_log_is_reported_and_other_runs_are_unaffected(
    trials: MakeTrials, tmp_path: Path, length: int
) -> None:
    tried = trials("P8", f"{length:,} bytes of a stored segment inverted", short=1, goal=200)
    async with service_trial(tmp_path / "trial", {"talk": "seq 1 20000", "quick": "echo done"}) as trial:
        talk = await trial.run_to_end("talk")
        for _ in tried:
            async with _damaged(trial, partial(_segment_of, length=length)):
                answer = await _read_log(trial, talk)
                run = await trial.run_to_end("quick")
                ready = await trial.ready()
            restored = await _read_log(trial, talk)

            assert answer.status_code == 503, answer.text
            assert answer.json()["type"] == "/problems/store-unavailable"
            assert "solorun doctor" in answer.json()["detail"]
            assert (run.status, ready) == ("completed", 200)
            assert restored.status_code == 200
            tried.judge([])
        tried.judge(await trial.audit(), tried=0)
    assert not tried.violations, tried.violations


async def test_a_damaged_log_is_found_by_the_doctor(tmp_path: Path) -> None:
    async with service_trial(tmp_path / "trial", {"talk": "seq 1 20000"}) as trial:
        damaged = await trial.run_to_end("talk")
        async with _damaged(trial, partial(_segment_of, length=64)):
            doctor = await asyncio.to_thread(_doctor, trial)

    assert doctor.returncode == 1, doctor.stdout + doctor.stderr
    assert str(damaged.id) in doctor.stdout


@pytest.mark.needs(minutes=1)
async def test_a_start_whose_page_is_damaged_is_refused_until_it_is_restored(
    trials: MakeTrials, tmp_path: Path
) -> None:
    tried = trials("P8", "a page that a start writes to, inverted", short=1, goal=200)
    async with service_trial(tmp_path / "trial", {"quick": "echo done"}) as trial:
        for number in tried:
            name = OF_A_START[number % len(OF_A_START)]
            await trial.run_to_end("quick")
            async with _damaged(trial, partial(_root_of, name=name)):
                async with asyncio.timeout(60):
                    while await trial.ready() == 200:
                        assert await trial.start("quick") is None
                        assert trial.history.entries[-1].value == "store-unavailable"
                # The write probe, which runs every second, finds the damage too.
                for _ in range(15):
                    assert await trial.ready() == 503
                    await asyncio.sleep(0.1)
            async with asyncio.timeout(60):
                while await trial.ready() != 200:
                    await asyncio.sleep(0.05)
            await trial.run_to_end("quick")
            tried.judge([])
        tried.judge(await trial.audit(), tried=0)
    assert not tried.violations, tried.violations


async def _read_log(trial: ServiceTrial, run: Run) -> httpx.Response:
    return await trial.client.get(f"{trial.service.api}/runs/{run.id}/log?after=0&limit=1000")


@asynccontextmanager
async def _damaged(trial: ServiceTrial, find: Callable[[Path], slice]) -> AsyncIterator[None]:
    """Runs the service on a database with these bytes inverted, and restores them at the end."""
    await asyncio.to_thread(trial.service.stop)
    place = find(trial.database)
    content = trial.database.read_bytes()[place]
    _overwrite(trial.database, place, bytes(byte ^ 0xFF for byte in content))
    await trial.up()
    try:
        yield
    finally:
        _overwrite(trial.database, place, content)


def _overwrite(database: Path, place: slice, content: bytes) -> None:
    with database.open("r+b") as file:
        file.seek(place.start)
        file.write(content)


def _segment_of(database: Path, length: int) -> slice:
    """Some bytes of a stored segment's payload, or its page."""
    at = database.read_bytes().index(ZSTD_MARK)
    start = at // PAGE_BYTES * PAGE_BYTES if length == PAGE_BYTES else at + 40
    return slice(start, start + length)


def _root_of(database: Path, name: str) -> slice:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        ((page,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchall()
    return slice((page - 1) * PAGE_BYTES, page * PAGE_BYTES)


def _doctor(trial: ServiceTrial) -> "subprocess.CompletedProcess[str]":
    trial.service.stop()
    return subprocess.run(
        [sys.executable, "-m", "solorun", "doctor"], cwd=trial.directory, capture_output=True, text=True
    )
