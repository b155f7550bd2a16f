"""The coroutine steps of the benchmarks: empty, waiting for a cancel, at full speed, at a fixed rate."""

import asyncio
import time
from pathlib import Path
from typing import Final

from solorun.record import Stream
from solorun.step import StepContext

BATCH_LINES: Final = 100
TICK_SECONDS: Final = 0.001


async def nothing(step: StepContext) -> None:
    """An empty run."""


async def hold(step: StepContext) -> None:
    """Logs one line and waits for its cancel, whose time it writes to the workspace."""
    try:
        await step.log("holding")
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        (step.workspace / f"cancelled-{step.run_id}").write_text(repr(time.monotonic()))
        raise


async def flood(step: StepContext) -> None:
    """`count` lines at full speed, in blocks like the chunks of a pipe. Begins when the gate file exists."""
    lines = _lines_of(step)
    await _wait_for_gate(step)
    for start in range(0, int(step.params["count"]), BATCH_LINES):
        block = [lines[(start + index) % len(lines)] for index in range(BATCH_LINES)]
        await step.output.write(step.name, Stream.STEP, block)


async def pace(step: StepContext) -> None:
    """`count` lines at `rate` per second, one after another."""
    lines, count, rate = _lines_of(step), int(step.params["count"]), float(step.params["rate"])
    await _wait_for_gate(step)
    began, logged = time.monotonic(), 0
    while logged < count:
        due = min(count, int((time.monotonic() - began) * rate) + 1)
        while logged < due:
            await step.log(lines[logged % len(lines)])
            logged += 1
        await asyncio.sleep(TICK_SECONDS)


async def clock(step: StepContext) -> None:
    """`count` lines that contain the time at which they were logged, with pauses in which the run is idle."""
    await _wait_for_gate(step)
    for _ in range(int(step.params["count"])):
        await asyncio.sleep(0.15)
        await step.log(f"at {time.monotonic()!r} ")


async def _wait_for_gate(step: StepContext) -> None:
    gate = step.params.get("gate")
    while gate and not Path(gate).exists():
        await asyncio.sleep(0.01)


def _lines_of(step: StepContext) -> list[str]:
    return Path(step.params["lines"]).read_text().splitlines()
