"""One run's cancel scope: stops the run's work, once and for one reason.

It surrounds only the wait for a step, together with the deadlines. Stopping the step happens outside of it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import anyio

from solorun.outcome import StepResult, StopReason
from solorun.step import StepExecution

_TURNS_PER_LOOK: Final = 8
"""Turns of the event loop, each of which polls for I/O, before a deadline decides. The report of a command takes three
from its pipe to the result."""


class RunCancelScope:
    """Exists from before the run can be seen until after its end. The first reason stands.

    If that is a reason to stop only the attempt of a step, the run may `resume`.
    """

    def __init__(self, grace_seconds: float) -> None:
        self.reason: StopReason | None = None
        self._stop_began: float | None = None
        self.grace_seconds = grace_seconds
        self._waiting: anyio.CancelScope | None = None
        self._stopping: anyio.CancelScope | None = None
        self._finishing: anyio.CancelScope | None = None

    def cancel(self, reason: StopReason) -> bool:
        """Stop the run. False if it is stopping already; the earlier reason stands."""
        if reason.ends_run and self._stop_began is None:
            self._stop_began = anyio.current_time()
            self._limit_finishing()
        if self.reason is not None:
            return False
        self.reason = reason
        if self._waiting is not None:
            self._waiting.cancel()
        return True

    def resume(self) -> bool:
        """Go on after the end of an attempt. False if the run has to stop."""
        if self._stop_began is None:
            self.reason = None
        return self.reason is None

    def limit_grace(self, seconds: float) -> None:
        """Shorten the grace to `seconds`, even for a step that is being stopped already."""
        if seconds < self.grace_seconds:
            self.grace_seconds = seconds
            if self._stopping is not None:
                self._stopping.cancel()
            self._limit_finishing()

    async def wait(
        self, execution: StepExecution, *, run_deadline: float = float("inf"), step_deadline: float = float("inf")
    ) -> StepResult | None:
        """Wait for a step. Returns its result, or None if it has to be stopped, for `reason`.

        Deadlines are loop times. What came first decides: a step that ended before the cancel keeps its result. A
        service that stood still (SIGSTOP, a suspended machine) notices both together, so it looks for the end first.
        """
        with anyio.CancelScope(deadline=min(run_deadline, step_deadline)) as scope:
            self._waiting = scope
            try:
                if self.reason is not None:
                    scope.cancel()
                return await execution.wait()
            finally:
                self._waiting = None
        for _ in range(_TURNS_PER_LOOK):
            if execution.result is not None or self.reason is not None:
                break
            await asyncio.sleep(0)
        if execution.result is not None:
            # It ended first. Its output may still be on its way, and processes it left behind may be alive: the
            # execution ends both, and nothing may follow it before that.
            return await execution.wait()
        if self.reason is None:
            self.cancel(StopReason.RUN_TIMEOUT if run_deadline <= step_deadline else StopReason.STEP_TIMEOUT)
        return None

    async def wait_for(self, event: asyncio.Event, seconds: float, *, deadline: float = float("inf")) -> bool:
        """Wait for an event, for `seconds` at most. False if the run has to stop, at the latest at its `deadline`."""
        now = asyncio.get_running_loop().time()
        with anyio.CancelScope(deadline=min(deadline, now + seconds)) as scope:
            self._waiting = scope
            try:
                if self.reason is not None:
                    scope.cancel()
                await event.wait()
            finally:
                self._waiting = None
        if self.reason is None and asyncio.get_running_loop().time() >= deadline:
            self.cancel(StopReason.RUN_TIMEOUT)
        return self.reason is None

    async def stop(self, execution: StepExecution) -> StepResult:
        """Stop a step: returns once it has ended. `limit_grace` shortens the grace meanwhile."""
        while True:
            with anyio.CancelScope() as scope:
                self._stopping = scope
                try:
                    return await execution.stop(self.grace_seconds)
                finally:
                    self._stopping = None

    async def finish(self, work: Coroutine[Any, Any, object], *, deadline: float = float("inf")) -> bool:
        """Do what belongs to the run, but to none of its steps. False if that was not completed.

        If the run has to stop, the work has what is left of the grace. The `deadline` of the run is a loop time.
        """
        with anyio.CancelScope(deadline=deadline) as scope:
            self._finishing = scope
            self._limit_finishing()
            try:
                await work
                return True
            finally:
                self._finishing = None
        if self._stop_began is None:
            self.cancel(StopReason.RUN_TIMEOUT)
        return False

    def _limit_finishing(self) -> None:
        if self._finishing is not None and self._stop_began is not None:
            self._finishing.deadline = self._stop_began + self.grace_seconds
