"""Coroutine steps: runs an `async def` as an asyncio task on the service's event loop, a plain function in a thread."""

import asyncio
import logging
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from solorun.outcome import StepResult, StopEffect, short_error_message
from solorun.project import CoroutineStep, Project
from solorun.record import Level, Stream
from solorun.step import StepContext
from solorun.steps.coroutine_commands import CoroutineCommands
from solorun.steps.coroutine_processes import CoroutineProcesses
from solorun.steps.coroutine_stack import came_of_cancellation, format_call, format_stack
from solorun.steps.function import FunctionCall
from solorun.steps.printed_output import PrintedOutput, redirected_to
from solorun.steps.traceback_reader import TracebackReader
from solorun.steps.watchdog import Watchdog

_SECONDS_BETWEEN_CANCELS: Final = 1.0
_OURS: Final = Path(__file__).parent
_TURNS_TO_END: Final = 32
"""Turns of the event loop that a cancelled coroutine gets even without a grace: nested tasks take a few."""

logger = logging.getLogger("solorun.steps")


@dataclass(eq=False, repr=False)
class CoroutineExecution:
    """The StepExecution of a running coroutine.

    The coroutine has its own task, which is cancelled only by `stop`. A second task reports how it ended, out of reach
    of repeated cancellations.
    """

    project: Project
    step: CoroutineStep
    context: StepContext
    watchdog: Watchdog
    commands: CoroutineCommands
    processes: CoroutineProcesses

    def __post_init__(self) -> None:
        context = self.context
        self._call = FunctionCall(self.step) if self.step.kind == "function" else None
        self._function: Callable[[StepContext], Any] = self._call or self.step.function
        self._printed = PrintedOutput(context.name, context.output)
        self.context = replace(context, output=self._printed, run_command=self.commands.run)
        self._span = self.processes.begin()
        self.result: StepResult | None = None
        self._traceback: list[str] = []
        self._stop_requested = False
        self._obeyed = True
        self._cancels = 0
        self._deadline = float("inf")
        self._deadline_changed = asyncio.get_running_loop().create_future()
        self._stopping: asyncio.Task[None] | None = None
        self._logging: set[asyncio.Task[None]] = set()
        name = f"coroutine {context.name} of run {context.run_id}"
        self._work = asyncio.create_task(self.watchdog.watch(self), name=name)
        self._task = asyncio.create_task(self._supervise(), name=f"end of {name}")

    def is_running(self) -> bool:
        return self._call.is_running() if self._call else not self._work.done()

    @property
    def stop_effect(self) -> StopEffect | None:
        if not self._stop_requested or not self._task.done():
            return None
        return StopEffect.STOPPED if self._obeyed and self._cancels <= 1 else StopEffect.IGNORED

    async def wait(self) -> StepResult:
        return await asyncio.shield(self._task)

    async def stop(self, grace_seconds: float) -> StepResult:
        if self.result is None:
            self._stop_requested = True
            self._deadline = min(self._deadline, asyncio.get_running_loop().time() + grace_seconds)
            if self._stopping is None:
                self._report_position()
                self._stopping = asyncio.create_task(self._cancel_repeatedly(), name=f"stop of {self.context.name}")
                self._cancel()
            elif not self._deadline_changed.done():
                self._deadline_changed.set_result(None)
        return await self.wait()

    async def work(self) -> None:
        """Run the user's coroutine. Any exception becomes the result."""
        service = os.getpid()
        with redirected_to(self._printed):
            try:
                await self._function(self.context)
            except asyncio.CancelledError:
                self.result = StepResult(error_message=self._cancellation_message())
            except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt would end the service
                self._obeyed = came_of_cancellation(error)
                self._traceback = _format_traceback(error)
                self.result = StepResult(error_message=self._error_message(error))
            else:
                self._obeyed = False
                self.result = StepResult()
        if os.getpid() != service:  # it has forked, and this is the child
            os._exit(not self.result.succeeded)

    def report_block(self, seconds: float, place: str) -> None:
        """Log that the step blocked the event loop at `place`: file, line and function."""
        self._log_later([f"step blocked the event loop for {seconds:.1f} s at {place}"], Level.WARNING)

    async def _supervise(self) -> StepResult:
        await asyncio.wait([self._work])
        if self.result is None:  # cancelled before its first instruction
            self.result = StepResult(error_message=self._cancellation_message())
        if self._stopping is not None:
            await self._stopping
        await self._printed.finish()
        names_exception = TracebackReader(is_open=True).exception_in
        for is_error, lines in groupby(self._traceback, lambda line: names_exception(line) != ""):
            await self._log(list(lines), Level.ERROR if is_error else Level.INFO)
        await self.commands.stop()
        await self.processes.end(self._span, self._warn, self.context.output.mask)
        if self._logging:
            await asyncio.wait(self._logging)
        return self.result

    async def _cancel_repeatedly(self) -> None:
        """Wait out the grace period, then cancel again every second until the coroutine ends."""
        loop = asyncio.get_running_loop()
        for _ in range(_TURNS_TO_END):
            if not self._work.done():
                await asyncio.sleep(0)
        while not self._work.done():
            await asyncio.wait({self._work, self._deadline_changed}, timeout=self._deadline - loop.time(),
                               return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
            if self._deadline_changed.done():
                self._deadline_changed = loop.create_future()
            elif not self._work.done() and loop.time() >= self._deadline:
                count = self._cancels
                self._log_later([f"still running after {count} cancellation{'s' * (count > 1)}"], Level.WARNING)
                self._cancel()
                self._deadline = loop.time() + _SECONDS_BETWEEN_CANCELS

    def _cancel(self) -> None:
        self._cancels += 1
        if self._call is not None:
            self._call.is_cancel_ours = True
        self._work.cancel()

    def _report_position(self) -> None:
        directory = self.project.directory
        stack = format_call(self._call, directory) if self._call else format_stack(self._work.get_coro(), directory)
        self.context.report_position([self.context.output.mask(line) for line in stack])

    async def _warn(self, message: str) -> None:
        await self._log([message], Level.WARNING)

    def _log_later(self, lines: Sequence[str], level: Level) -> None:
        task = asyncio.create_task(self._log(lines, level))
        self._logging.add(task)
        task.add_done_callback(self._logging.discard)

    async def _log(self, lines: Sequence[str], level: Level) -> None:
        try:
            await self.context.output.write(self.context.name, Stream.SOLORUN, lines, level=level)
        except Exception:
            logger.exception("lost a record of step %s", self.context.name)

    def _cancellation_message(self) -> str:
        return "stopped" if self._stop_requested else "CancelledError: cancelled, but not by its run"

    def _error_message(self, error: BaseException) -> str:
        # Masked before it is shortened: half a secret would not be recognized.
        message, cause = (
            f"{type(one).__name__}: {self.context.output.mask(_text_of(one))}".rstrip(": ")
            for one in (error, _first_cause(error))
        )
        return short_error_message(f"{message} (caused by {cause})" if cause != message and ": " in cause else message)


def _first_cause(error: BaseException) -> BaseException:
    """Follows causes and the first exceptions of groups. Both may be circular."""
    seen = {id(error)}
    while True:
        group = error.exceptions[:1] if isinstance(error, BaseExceptionGroup) else ()
        cause = error.__cause__ or next(iter(group), None)
        if cause is None or id(cause) in seen:
            return error
        seen.add(id(cause))
        error = cause


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a user's __str__ may raise anything
        return ""


def _format_traceback(error: BaseException) -> list[str]:
    """The lines of the traceback, without our own frames that called the coroutine or the function."""
    shown = error.__traceback__
    while shown is not None and Path(shown.tb_frame.f_code.co_filename).parent == _OURS:
        shown = shown.tb_next
    try:
        parts = traceback.format_exception(type(error), error, shown)
    except Exception:  # noqa: BLE001 - as above
        parts = [type(error).__name__]
    return "".join(parts).rstrip("\n").split("\n")
