"""What a plain function of a step receives: the StepContext for code in a thread, with a cancel that raises."""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from solorun.record import Level
from solorun.step import StepContext

T = TypeVar("T")


class StepCancelled(asyncio.CancelledError):
    """The step has to stop: its run was cancelled or timed out, or the service is shutting down.

    Not an Exception, so that `except Exception` does not swallow it.
    """


class FunctionContext:
    """A plain function's view of its run, and its logging API. The attributes are those of StepContext.

    The methods may be called from any thread but that of the event loop, and block it until they are done. The first
    call of a method after the step has been cancelled raises StepCancelled; later calls work, so that the function can
    clean up. A function that makes no calls can poll `cancelled`, and return.
    """

    def __init__(self, step: StepContext) -> None:
        self.project = step.project
        self.run_id = step.run_id
        self.scope = step.scope
        self.name = step.name
        self.params = step.params
        self.workspace = step.workspace
        self.artifacts = step.artifacts
        self.rerun_of = step.rerun_of
        self.attempt = step.attempt
        self.slots = step.slots
        self._step = step
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._cancelled = threading.Event()
        self._commands: set[asyncio.Task[None]] = set()
        self.has_seen_cancel = False
        """Whether the function has learned of its cancel."""

    @property
    def cancelled(self) -> bool:
        """Whether the step has been cancelled. A function that sees this cleans up and returns."""
        self.has_seen_cancel = self.has_seen_cancel or self._cancelled.is_set()
        return self._cancelled.is_set()

    def log(self, message: str, level: Level | str = Level.INFO) -> None:
        """Log a message. Waits while the log is full. Never fails for its arguments: an unknown level means info."""
        self._call(lambda: self._step.log(message, level))

    def progress(self, current: int, total: int | None = None, item: str = "") -> None:
        """Report progress: `current` of `total` (None if unknown), and the current item."""
        self._call(lambda: self._step.progress(current, total, item))

    def run(self, program: str | os.PathLike[str], *arguments: str | os.PathLike[str]) -> None:
        """Run a command as `StepContext.run` does. A cancel stops the command, and then raises StepCancelled."""
        if not self._call(lambda: self._run(program, *arguments)):
            self.has_seen_cancel = True
            raise StepCancelled

    def sleep(self, seconds: float) -> None:
        """Like time.sleep, but a cancel ends it."""
        self.raise_if_cancelled()
        if self._cancelled.is_set():  # seen before: the function is cleaning up
            time.sleep(seconds)
        else:
            self._cancelled.wait(seconds)
            self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        """Raise StepCancelled if the step has been cancelled and the function has not learned of it yet."""
        if self._cancelled.is_set() and not self.has_seen_cancel:
            self.has_seen_cancel = True
            raise StepCancelled

    def cancel(self) -> None:
        """Ask the function to stop. Called on the event loop."""
        self._cancelled.set()
        for command in self._commands:
            command.cancel()

    def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        if threading.get_ident() == self._loop_thread:
            raise RuntimeError("a FunctionContext blocks: it cannot be used on the event loop")
        self.raise_if_cancelled()

        async def work() -> T:
            return await call()

        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    async def _run(self, program: str | os.PathLike[str], *arguments: str | os.PathLike[str]) -> bool:
        """Returns False if a cancel has stopped the command."""
        command = asyncio.create_task(self._step.run(program, *arguments))
        self._commands.add(command)
        try:
            await asyncio.wait([command])
        finally:
            self._commands.discard(command)
        if command.cancelled():
            return False
        command.result()
        return True
