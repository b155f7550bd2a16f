"""What a time limit must allow for the machine: the duration of a run that does nothing, measured meanwhile.

The promises limit what the service takes, not what a slow or busy machine adds. A test that compares a run with a limit
adds the slowest of these runs to it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from solorun.run import Run
from tests.faults.service_trial import ServiceTrial

PLAIN = "plain"
PLAIN_STEPS = {PLAIN: "exit 0"}
"""The project of these runs. Declare it in the trial."""
_PAUSE_SECONDS = 0.05


@dataclass
class Budget:
    """The slowest plain run so far, from start to end according to its row."""

    machine_seconds: float = 0.0


def run_seconds(run: Run) -> float:
    """From creation to end according to the row: a reader of a million lines sees the end later."""
    assert run.finished_at is not None
    return (run.finished_at - run.created_at).total_seconds()


@asynccontextmanager
async def measure_budget(trial: ServiceTrial) -> AsyncIterator[Budget]:
    """Starts one plain run after another during the block, and waits for the last to end."""
    budget, over = Budget(), asyncio.Event()

    async def work() -> None:
        while not over.is_set():
            budget.machine_seconds = max(budget.machine_seconds, run_seconds(await trial.run_to_end(PLAIN)))
            await asyncio.sleep(_PAUSE_SECONDS)

    working = asyncio.create_task(work())
    try:
        yield budget
    finally:
        over.set()
        await working
