"""How fast the machine is at this moment: what a run takes that does nothing and leaves nothing.

A promise in seconds is one of our own doing. What the machine takes for itself meanwhile, because it is slow, busy or
stands still, is not part of it: whoever holds runs against a limit adds the pace at which others got through.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from solorun.run import Run
from tests.faults.service_trial import ServiceTrial

PLAIN = "plain"
STEPS = {PLAIN: "exit 0"}
"""The project whose runs these are: to be declared in the trial."""
_PAUSE_SECONDS = 0.05


@dataclass
class Pace:
    """The slowest of these runs, from its start to its end, by its row."""

    slowest_seconds: float = 0.0


def seconds_of(run: Run) -> float:
    """From its admission to its end, by its row: who reads a million lines of it needs longer to see its end."""
    assert run.finished_at is not None
    return (run.finished_at - run.created_at).total_seconds()


@asynccontextmanager
async def pace_of(trial: ServiceTrial) -> AsyncIterator[Pace]:
    """One such run after another while the block lasts, the last of them to its end."""
    pace, over = Pace(), asyncio.Event()

    async def work() -> None:
        while not over.is_set():
            pace.slowest_seconds = max(pace.slowest_seconds, seconds_of(await trial.run_to_end(PLAIN)))
            await asyncio.sleep(_PAUSE_SECONDS)

    working = asyncio.create_task(work())
    try:
        yield pace
    finally:
        over.set()
        await working
