"""kill -9 of the engine, at random moments and at every labelled point: what was acknowledged is there afterwards."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.engine import open_engine
from tests.faults.checkers import audit
from tests.faults.conftest import MakeTrials
from tests.faults.database import read_database
from tests.faults.history import History, Kind, Reading
from tests.faults.kill_loop import PROJECTS
from tests.faults.labelled import POINTS
from tests.faults.trial import DATABASE_NAME, Trial

ROOT = Path(__file__).parents[2]
KILLS_OF_ONE_DIRECTORY = 20
KILLS_AT_ONE_POINT = 4


class KillLoop:
    """Children on one directory, killed one after another, and the history of what they acknowledged."""

    def __init__(self, directory: Path, process: subprocess.Popen[str]) -> None:
        self.directory = directory
        self.history = History()
        self._process = process

    def kill(self, order: str) -> None:
        """One child: `SECONDS`, or `POINT COUNT`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        assert not [words for words in said if words[0] == "died"], said
        self._take(said)

    async def settle(self) -> list[str]:
        """The last child's runs are settled by another start; then everything is judged."""
        async with open_engine(self.directory, owner="the last") as engine:
            findings = await engine.store.check()
        violations = audit(self.history, read_database(self.directory / DATABASE_NAME))
        return [*violations, *(finding.message for finding in findings)]

    def _take(self, said: list[list[Any]]) -> None:
        readings: dict[int, Reading] = {}
        for word, *rest in said:
            match word, rest:
                case "started", [project, run_id]:
                    with self.history.operation("start", project) as operation:
                        operation.ok(run_id)
                case "seen", [run_id, first_seq, payload]:
                    if run_id not in readings:
                        readings[run_id] = self.history.read(run_id, after=first_seq - 1)
                    readings[run_id].lines += payload.encode().split(b"\n")[:-1]
                case "end", [run_id, status, *_]:
                    self.history.note(0, Kind.OK, "end", run_id, status)


@contextmanager
def kill_loop(directory: Path) -> Iterator[KillLoop]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.kill_loop", str(directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield KillLoop(directory, process)


async def test_a_kill_at_a_random_moment_loses_nothing(trials: MakeTrials, tmp_path: Path) -> None:
    tried = trials("P5", "kill -9 of the engine's process at a random moment (P6: every record seen)", short=2)
    records = runs = 0
    for number in tried:
        directory = tmp_path / str(number)
        directory.mkdir()
        await Trial(directory).prepare()
        with kill_loop(directory) as loop:
            for _ in range(KILLS_OF_ONE_DIRECTORY):
                loop.kill(f"{random.random() * 0.05:.4f}")
            tried.judge(await loop.settle(), tried=KILLS_OF_ONE_DIRECTORY)
        records += sum(len(reading.lines) for reading in loop.history.readings)
        runs += len(loop.history.answers("start", Kind.OK))
        tried.notes = f"{runs:,} acknowledged runs, {records:,} acknowledged records"
    assert runs
    assert records


@pytest.mark.parametrize("point", POINTS)
async def test_a_kill_at_a_labelled_point_loses_nothing(trials: MakeTrials, tmp_path: Path, point: str) -> None:
    tried = trials("P5", f"kill -9 {point}", short=1)
    tried.seconds = None if tried.seconds is None else tried.seconds / len(POINTS)
    step = 3 if point == "statement" else 1
    most = len(PROJECTS) if "settle" in point else 1000  # so many runs a crash can leave behind
    for number in tried:
        directory = tmp_path / str(number)
        directory.mkdir()
        await Trial(directory).prepare()
        with kill_loop(directory) as loop:
            for count in range(KILLS_AT_ONE_POINT):
                loop.kill(f"{point} {1 + (count * step + number) % most}")
            tried.judge(await loop.settle(), tried=KILLS_AT_ONE_POINT)
