"""The engine behaves as its model, whatever the sequence of events."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.conftest import MakeTrials
from tests.faults.engine_machine import step_counts
from tests.faults.machine import RunManagerMachine
from tests.faults.machine_loop import SETTINGS

ROOT = Path(__file__).parents[2]
PROCESSES = 3


def test_the_engine_behaves_as_its_model(trials: MakeTrials) -> None:
    tried = trials("P10", "steps of the state machine, compared with its model", short=1, goal=1)
    before = step_counts["steps"]
    run_state_machine_as_test(RunManagerMachine, settings=SETTINGS)
    tried.goal = 0
    tried.judge([], tried=step_counts["steps"] - before)


@pytest.mark.needs(minutes=4)
async def test_the_engine_behaves_as_its_model_in_long_runs(trials: MakeTrials) -> None:
    tried = trials("P10", "steps of the state machine, compared with its model", short=0, goal=100_000)
    jumped = trials("P20", "steps of the state machine after a clock jump", short=0, goal=10_000)
    for _ in tried:
        counts: Counter[str] = Counter()
        command = [sys.executable, "-m", "tests.faults.machine_loop", str(tried.seconds), str(tried.goal // PROCESSES)]
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
