"""One run's cancel scope: stops the run's work, once and for one reason.

It surrounds only the wait for a step, and applies the deadlines. The step is stopped outside of it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import anyio

from solorun.outcome import StepResult, StopReason
from solorun.step import StepExecution

_MAX_ITERATIONS_TO_REPORT: Final = 8
"""When a deadline passes, a step that has already ended gets this many iterations of the event loop, each of which
polls for I/O, to report its result. The report of a command takes three, from its pipe to the result."""


class RunCancelScope:
    """Exists from before the run becomes visible until after it has ended. The first reason stands.

    If that reason stops only an attempt of a step, the run may `resume`.
    """

    def __init__(self, grace_seconds: float) -> None:
        self.reason: StopReason | None = None
        self._stop_began: float | None = None
        self.grace_seconds = grace_seconds
        self._wait_scope: anyio.CancelScope | None = None
        self._stop_scope: anyio.CancelScope | None = None
        self._finish_scope: anyio.CancelScope | None = None

    def cancel(self, reason: StopReason) -> bool:
        """Stop the run. False if it is already stopping; the earlier reason stands."""
        if reason.ends_run and self._stop_began is None:
            self._stop_began = anyio.current_time()
            self._set_finish_deadline()
        if self.reason is not None:
            return False
        self.reason = reason
        if self._wait_scope is not None:
            self._wait_scope.cancel()
        return True

    def resume(self) -> bool:
        """Continue after an attempt has ended. False if the run has to stop."""
        if self._stop_began is None:
            self.reason = None
        return self.reason is None

    def limit_grace(self, seconds: float) -> None:
        """Shorten the grace period to `seconds`, even for a step that is already being stopped."""
        if seconds < self.grace_seconds:
            self.grace_seconds = seconds
            if self._stop_scope is not None:
                self._stop_scope.cancel()
            self._set_finish_deadline()

    async def wait(
        self, execution: StepExecution, *, run_deadline: float = float("inf"), step_deadline: float = float("inf")
    ) -> StepResult | None:
        """Wait for a step. Returns its result, or None if it has to be stopped, for `reason`.

        Deadlines are loop times. Whichever came first decides: a step that ended before the cancel keeps its result. A
        service that was suspended (SIGSTOP, a sleeping machine) notices both together, so it checks for the end first.
        """
        with anyio.CancelScope(deadline=min(run_deadline, step_deadline)) as scope:
            self._wait_scope = scope
            try:
                if self.reason is not None:
                    scope.cancel()
                return await execution.wait()
            finally:
                self._wait_scope = None
        for _ in range(_MAX_ITERATIONS_TO_REPORT):
            if execution.result is not None or self.reason is not None:
                break
            await asyncio.sleep(0)
        if execution.result is not None:
            # It ended first. Its output may still be on its way, and processes that it left behind may be alive. The
            # execution deals with both, and the next step must not begin before that.
            return await execution.wait()
        if self.reason is None:
            self.cancel(StopReason.RUN_TIMEOUT if run_deadline <= step_deadline else StopReason.STEP_TIMEOUT)
        return None

    async def wait_for(self, event: asyncio.Event, seconds: float, *, deadline: float = float("inf")) -> bool:
        """Wait for an event, for at most `seconds`. False if the run has to stop, at the latest at its `deadline`."""
        now = asyncio.get_running_loop().time()
        with anyio.CancelScope(deadline=min(deadline, now + seconds)) as scope:
            self._wait_scope = scope
            try:
                if self.reason is not None:
                    scope.cancel()
                await event.wait()
            finally:
                self._wait_scope = None
        if self.reason is None and asyncio.get_running_loop().time() >= deadline:
            self.cancel(StopReason.RUN_TIMEOUT)
        return self.reason is None

    async def stop(self, execution: StepExecution) -> StepResult:
        """Stop a step. Returns once it has ended. Meanwhile, `limit_grace` can shorten the grace period."""
        while True:
            with anyio.CancelScope() as scope:
                self._stop_scope = scope
                try:
                    return await execution.stop(self.grace_seconds)
                finally:
                    self._stop_scope = None

    async def finish(self, work: Coroutine[Any, Any, object], *, deadline: float = float("inf")) -> bool:
        """Do work that belongs to the run, but to none of its steps. False if the work was not completed.

        If the run has to stop, the work gets what is left of the grace period. The run's `deadline` is a loop time.
        """
        with anyio.CancelScope(deadline=deadline) as scope:
            self._finish_scope = scope
            self._set_finish_deadline()
            try:
                await work
                return True
            finally:
                self._finish_scope = None
        if self._stop_began is None:
            self.cancel(StopReason.RUN_TIMEOUT)
        return False

    def _set_finish_deadline(self) -> None:
        if self._finish_scope is not None and self._stop_began is not None:
            self._finish_scope.deadline = self._stop_began + self.grace_seconds
