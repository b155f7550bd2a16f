"""The engine behaves as its model, whatever the sequence of events."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.conftest import MakeTrials
from tests.faults.engine_machine import step_counts
from tests.faults.machine_loop import SETTINGS, machine_on

ROOT = Path(__file__).parents[2]
PROCESSES = 3
SHORT = {"sqlite": SETTINGS, "postgres": settings(SETTINGS, max_examples=4)}
ON_EACH_STORE = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


@ON_EACH_STORE
def test_the_engine_behaves_as_its_model(request: pytest.FixtureRequest, trials: MakeTrials, kind: str) -> None:
    tried = trials("P10", f"steps of the state machine, compared with its model ({kind})", short=1, goal=1)
    before = step_counts["steps"]
    run_state_machine_as_test(machine_on(*_server(request, kind)), settings=SHORT[kind])
    tried.goal = 0
    tried.judge([], tried=step_counts["steps"] - before)


@pytest.mark.needs(minutes=10)
@ON_EACH_STORE
async def test_the_engine_behaves_as_its_model_in_long_runs(
    request: pytest.FixtureRequest, trials: MakeTrials, kind: str
) -> None:
    tried = trials("P10", f"steps of the state machine, compared with its model ({kind})", short=0, goal=100_000)
    jumped = trials("P20", f"steps of the state machine after a clock jump ({kind})", short=0, goal=10_000)
    for _ in tried:
        counts: Counter[str] = Counter()
        limits = (str(tried.seconds), str(tried.goal // PROCESSES))
        command = [sys.executable, "-m", "tests.faults.machine_loop", *limits, *_server(request, kind)]
        processes = [
            await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(PROCESSES)
        ]
        for process, (output, errors) in zip(
            processes, await asyncio.gather(*(process.communicate() for process in processes)), strict=True
        ):
            lines = [line for line in output.splitlines() if line.startswith(b'{"steps"')]
            counts.update(json.loads(lines[-1]) if lines else {})
            tried.judge([errors.decode()[-6000:]] * (process.returncode != 0), tried=0)
        tried.judge([], tried=counts["steps"])
        jumped.judge([], tried=counts["after a jump"])


def _server(request: pytest.FixtureRequest, kind: str) -> tuple[str, ...]:
    return () if kind == "sqlite" else (request.getfixturevalue("postgres_url"),)
