"""Coroutine steps: an `async def` as a plain asyncio task in the service's own loop."""

import asyncio
import logging
import traceback
from collections.abc import Sequence
from typing import Final

from solorun.outcome import StepResult, short_error_message
from solorun.project import CoroutineStep, Project
from solorun.record import Level, Stream
from solorun.step import StepContext, StepExecution
from solorun.steps.watchdog import Block, Watchdog

_SECONDS_BETWEEN_CANCELS: Final = 1.0

logger = logging.getLogger(__name__)


class CoroutineExecution(StepExecution):
    """A coroutine at work.

    The work is a task of its own, which only ever is cancelled when the step is told to stop. What there is to say of
    its end is said by another, which a repeated cancel cannot reach.
    """

    def __init__(self, project: Project, step: CoroutineStep, context: StepContext, watchdog: Watchdog) -> None:
        self.project = project
        self._function = step.function
        self._context = context
        self._result: StepResult | None = None
        self._traceback: list[str] = []
        self._told_to_stop = False
        self._deadline = float("inf")
        self._hurry = asyncio.get_running_loop().create_future()
        self._stopping: asyncio.Task[None] | None = None
        self._saying: set[asyncio.Task[None]] = set()
        name = f"coroutine {context.name} of run {context.run_id}"
        self._work = asyncio.create_task(watchdog.watch(self), name=name)
        self._task = asyncio.create_task(self._supervise(), name=f"end of {name}")

    @property
    def result(self) -> StepResult | None:
        return self._result

    async def wait(self) -> StepResult:
        return await asyncio.shield(self._task)

    async def stop(self, grace_seconds: float) -> StepResult:
        if self._result is None:
            self._told_to_stop = True
            self._deadline = min(self._deadline, asyncio.get_running_loop().time() + grace_seconds)
            if self._stopping is None:
                self._stopping = asyncio.create_task(self._insist(), name=f"stop of {self._context.name}")
                self._work.cancel()
            elif not self._hurry.done():
                self._hurry.set_result(None)
        return await self.wait()

    async def work(self) -> None:
        """The user's coroutine; whatever it raises becomes the result."""
        try:
            await self._function(self._context)
        except asyncio.CancelledError:
            self._result = StepResult(error_message=self._why_cancelled())
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt too would end the service
            self._traceback = _format_traceback(error)
            self._result = StepResult(error_message=self._describe(error))
        else:
            self._result = StepResult()

    def report_block(self, block: Block) -> None:
        """Say in the step's log that it kept the whole service from working."""
        message = f"the step blocked the event loop for {block.seconds:.1f} s at {block.place}: everything waited"
        self._say_soon([message], Level.WARNING)

    async def _supervise(self) -> StepResult:
        await asyncio.wait([self._work])
        if self._result is None:  # cancelled before its first instruction
            self._result = StepResult(error_message=self._why_cancelled())
        if self._stopping is not None:
            await self._stopping
        if self._traceback:
            await self._say(self._traceback, Level.ERROR)
        if self._saying:
            await asyncio.wait(self._saying)
        return self._result

    async def _insist(self) -> None:
        """Cancel once, leave the grace for cleaning up, then cancel again each second until it ends."""
        loop = asyncio.get_running_loop()
        cancels = 1
        while not self._work.done():
            await asyncio.wait({self._work, self._hurry}, timeout=self._deadline - loop.time(),
                               return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
            if self._hurry.done():
                self._hurry = loop.create_future()
            elif not self._work.done() and loop.time() >= self._deadline:
                self._say_soon([f"still working after {cancels} cancel{'s' * (cancels > 1)}"], Level.WARNING)
                self._work.cancel()
                cancels += 1
                self._deadline = loop.time() + _SECONDS_BETWEEN_CANCELS

    def _say_soon(self, lines: Sequence[str], level: Level) -> None:
        saying = asyncio.create_task(self._say(lines, level))
        self._saying.add(saying)
        saying.add_done_callback(self._saying.discard)

    async def _say(self, lines: Sequence[str], level: Level) -> None:
        try:
            await self._context.output.write(self._context.name, Stream.SOLORUN, lines, level=level)
        except Exception:
            logger.exception("a record of step %s was lost", self._context.name)

    def _why_cancelled(self) -> str:
        return "stopped" if self._told_to_stop else "CancelledError: it was cancelled, but not by its run"

    def _describe(self, error: BaseException) -> str:
        # Masked before it is shortened: half a secret is not recognised.
        return short_error_message(self._context.output.mask(f"{type(error).__name__}: {_text_of(error)}".rstrip(": ")))


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception may be as broken as it likes
        return ""


def _format_traceback(error: BaseException) -> list[str]:
    """Its lines, without the frame of ours that called the coroutine."""
    ours = error.__traceback__
    try:
        parts = traceback.format_exception(type(error), error, ours.tb_next if ours else None)
    except Exception:  # noqa: BLE001 - as above
        parts = [type(error).__name__]
    return "".join(parts).rstrip("\n").split("\n")
