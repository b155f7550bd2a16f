"""Calls a plain function in a thread of its own, as a coroutine that can be cancelled like that of a coroutine step."""

import asyncio
import contextvars
import inspect
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from solorun.function_context import FunctionContext, StepCancelled
from solorun.project import CoroutineStep
from solorun.step import StepContext


class FunctionCall:
    """One call of a step's function. Await it once.

    A cancellation reaches the function through its context only. Python can raise an exception in another thread, but
    between any two instructions, so that a lock of the whole process could stay locked. The call ends when the function
    has ended.
    """

    def __init__(self, step: CoroutineStep) -> None:
        self._function = step.function
        self._name = f"step {step.name}"
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self.is_cancel_ours = False
        """Set before each cancellation that the step knows of. Any other one is of an event loop that ends: it must not
        wait for the thread, which ends with the program."""

    async def __call__(self, step: StepContext) -> None:
        context = FunctionContext(step)
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def work() -> None:
            self._run(context)
            with suppress(RuntimeError):  # the loop has been closed without waiting for the function
                loop.call_soon_threadsafe(ended.set)

        # A daemon: a function that does not stop must not keep the program from exiting. In the coroutine's context,
        # what the function prints and logs goes to its run.
        self._thread = threading.Thread(
            target=contextvars.copy_context().run, args=(work,), name=self._name, daemon=True
        )
        self._thread.start()
        while not ended.is_set():
            try:
                await ended.wait()
            except asyncio.CancelledError:
                context.cancel()
                if not self.is_cancel_ours:
                    raise
                self.is_cancel_ours = False
        if self._error is not None:
            raise self._error
        if context.has_seen_cancel:
            raise StepCancelled

    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def list_frames(self) -> list[FrameType]:
        """The frames of the function, outermost first; [] if it is not running."""
        frame = sys._current_frames().get(self._thread.ident or 0) if self._thread is not None else None
        frames: list[FrameType] = []
        while frame is not None and frame.f_code is not FunctionCall._run.__code__:
            frames.insert(0, frame)
            frame = frame.f_back
        return frames if frame is not None else []

    def _run(self, context: FunctionContext) -> None:
        try:
            result: Any = self._function(context)
            if inspect.iscoroutine(result):
                result.close()
                raise TypeError("the function returned a coroutine; declare an async def")
        except BaseException as error:  # noqa: BLE001 - the result of the step
            ours = error.__traceback__
            self._error = error.with_traceback(ours.tb_next if ours else None)
