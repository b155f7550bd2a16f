"""kill -9 of the engine at random moments and at every kill point: what was acknowledged exists afterwards."""

import asyncio
import json
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from solorun.status import StepStatus
from solorun.store import Store
from tests.fakes.engine import open_engine
from tests.faults.checkers import audit
from tests.faults.conftest import MakeTrials
from tests.faults.database import read_database
from tests.faults.history import History, Kind, Reading
from tests.faults.kill_loop import PROJECTS, RESOURCES
from tests.faults.kill_points import POINTS
from tests.faults.trial import DATABASE_NAME, Trial

ROOT = Path(__file__).parents[2]
LANES = 3
KILLS_OF_ONE_DIRECTORY = 20
KILLS_AT_ONE_POINT = 4


class Killer:
    """A process whose children are killed one after another."""

    def __init__(self, module: str = "tests.faults.kill_loop") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill(self, directory: Path, command: str) -> list[list[Any]]:
        """Run and kill one child: `SECONDS`, or `POINT COUNT`. Returns what it acknowledged."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{directory} {command}\n")
        self._process.stdin.flush()
        acknowledged: list[list[Any]] = json.loads(self._process.stdout.readline())
        assert not [items for items in acknowledged if items[0] == "died"], acknowledged
        return acknowledged

    def stop(self) -> None:
        with self._process:
            pass


class Killers:
    """A pool of killers that grows on demand."""

    def __init__(self) -> None:
        self._idle: list[Killer] = []
        self._all: list[Killer] = []

    @contextmanager
    def borrow(self) -> Iterator[Killer]:
        if not self._idle:
            self._all.append(Killer())
            self._idle.append(self._all[-1])
        killer = self._idle.pop()
        yield killer
        self._idle.append(killer)

    def stop(self) -> None:
        for killer in self._all:
            killer.stop()


@pytest.fixture
def killers() -> Iterator[Killers]:
    killers = Killers()
    yield killers
    killers.stop()


class KilledDirectory:
    """One directory, and the history of what the engines killed on it acknowledged."""

    def __init__(self, directory: Path, killer: Killer) -> None:
        self.directory = directory
        self.history = History()
        self.attempts = 0
        self._killer = killer

    @property
    def records(self) -> int:
        return sum(len(reading.lines) for reading in self.history.readings)

    @property
    def runs(self) -> int:
        return len(self.history.answers("start", Kind.OK))

    async def kill(self, command: str) -> None:
        self._record(await asyncio.to_thread(self._killer.kill, self.directory, command))

    async def recover(self) -> list[str]:
        """Recover the last child's runs with a new engine, then run all checkers.

        It does not know their projects: the runs that are still queued fail one after another.
        """
        async with open_engine(self.directory, resources=RESOURCES, owner="the next start") as engine:
            await engine.until(lambda: not engine.hub.list_runs())
            findings = await engine.store.check()
            self.attempts += await self._count_attempts(engine.store)
        violations = await asyncio.to_thread(audit, self.history, read_database(self.directory / DATABASE_NAME))
        return [*violations, *(finding.message for finding in findings)]

    async def _count_attempts(self, store: Store) -> int:
        """How many attempts there were. All of them have ended, in order, and no step waits for another one."""
        steps = [step for run in await store.list_runs(limit=10_000) for step in run.steps]
        assert [step for step in steps if step.next_attempt_at is not None] == []
        for attempts in [step.attempts for step in steps]:
            assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))
            assert {attempt.status for attempt in attempts[:-1]} <= {StepStatus.FAILED}
            assert all(attempt.status.has_ended and attempt.finished_at is not None for attempt in attempts)
        return sum(len(step.attempts) for step in steps)

    def _record(self, acknowledged: list[list[Any]]) -> None:
        readings: dict[int, Reading] = {}
        for name, *rest in acknowledged:
            match name, rest:
                case "started", [project, run_id]:
                    with self.history.operation("start", project) as operation:
                        operation.ok(run_id)
                case "seen", [reader, run_id, first_seq, payload]:
                    if reader not in readings:
                        readings[reader] = self.history.read(run_id, after=first_seq - 1)
                    readings[reader].lines += payload.encode().split(b"\n")[:-1]
                case "end", [run_id, status, *_]:
                    self.history.note(0, Kind.OK, "end", run_id, status)


@asynccontextmanager
async def on_a_directory(memory_path: Path, number: int, killers: Killers) -> AsyncIterator[KilledDirectory]:
    directory = memory_path / str(number)
    directory.mkdir()
    await Trial(directory).prepare()
    with killers.borrow() as killer:
        yield KilledDirectory(directory, killer)
    shutil.rmtree(directory)


@pytest.mark.needs(minutes=7)
async def test_a_kill_at_a_random_moment_loses_nothing(trials: MakeTrials, memory_path: Path, killers: Killers) -> None:
    tried = trials("P5", "kill -9 of the engine process at a random moment", short=2, goal=10_000)
    lines = trials("P6", "records that readers had seen before these kills", short=0, goal=1_000_000)
    runs = attempts = 0

    async def attempt(number: int) -> None:
        nonlocal runs, attempts
        async with on_a_directory(memory_path, number, killers) as killed:
            for _ in range(KILLS_OF_ONE_DIRECTORY):
                await killed.kill(f"{random.random() * 0.05:.4f}")
            seconds = 0.05
            while not killed.records:  # a busy machine has begun no step in that time
                seconds *= 2
                await killed.kill(f"{seconds:.4f}")
            violations = await killed.recover()
        runs += killed.runs
        attempts += killed.attempts
        lines.judge([], tried=killed.records)
        tried.judge(violations, tried=KILLS_OF_ONE_DIRECTORY)
        tried.notes = f"{runs:,} acknowledged runs, {attempts:,} attempts"

    await tried.run_in_lanes(LANES, attempt)
    assert runs
    assert attempts
    assert lines.tried


@pytest.mark.needs(minutes=0.2)
@pytest.mark.parametrize("point", POINTS)
async def test_a_kill_at_a_kill_point_loses_nothing(
    trials: MakeTrials, memory_path: Path, killers: Killers, point: str
) -> None:
    tried = trials("P5", "kill -9 before and after each of six writes, and before any statement", short=1, goal=100)
    step = 3 if point == "statement" else 1
    most = len(PROJECTS) if "finalize_run" in point else 1000  # a crash leaves at most one active run of each project

    async def attempt(number: int) -> None:
        async with on_a_directory(memory_path, number, killers) as killed:
            for count in range(KILLS_AT_ONE_POINT):
                await killed.kill(f"{point} {1 + (count * step + number) % most}")
            tried.judge(await killed.recover(), tried=KILLS_AT_ONE_POINT)

    await tried.run_in_lanes(LANES if tried.is_long else 1, attempt)
