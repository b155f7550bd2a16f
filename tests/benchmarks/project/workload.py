"""The coroutine steps that benchmarks run: idle, paced, as fast as they can, waiting for their cancel."""

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
    """A word, and nothing until it is cancelled; then when that was, in the workspace."""
    try:
        await step.log("holding")
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        (step.workspace / f"cancelled-{step.run_id}").write_text(repr(time.monotonic()))
        raise


async def flood(step: StepContext) -> None:
    """`count` lines as fast as they are taken, in blocks, as a pipe's chunks are; begins when the gate is there."""
    lines = _lines_of(step)
    await _pass(step)
    for start in range(0, int(step.params["count"]), BATCH_LINES):
        block = [lines[(start + index) % len(lines)] for index in range(BATCH_LINES)]
        await step.output.write(step.name, Stream.STEP, block)


async def pace(step: StepContext) -> None:
    """`count` lines, `rate` a second, one after another."""
    lines, count, rate = _lines_of(step), int(step.params["count"]), float(step.params["rate"])
    await _pass(step)
    began, said = time.monotonic(), 0
    while said < count:
        due = min(count, int((time.monotonic() - began) * rate) + 1)
        while said < due:
            await step.log(lines[said % len(lines)])
            said += 1
        await asyncio.sleep(TICK_SECONDS)


async def clock(step: StepContext) -> None:
    """`count` lines that say when they were said, with pauses long enough for the run to count as idle."""
    await _pass(step)
    for _ in range(int(step.params["count"])):
        await asyncio.sleep(0.15)
        await step.log(f"at {time.monotonic()!r} ")


async def _pass(step: StepContext) -> None:
    gate = step.params.get("gate")
    while gate and not Path(gate).exists():
        await asyncio.sleep(0.01)


def _lines_of(step: StepContext) -> list[str]:
    return Path(step.params["lines"]).read_text().splitlines()
