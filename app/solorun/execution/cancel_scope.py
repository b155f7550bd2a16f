"""One run's cancel scope: told once, and for one reason, that the run's work shall stop.

It surrounds only the waiting for a step, together with the deadlines. Stopping the step happens outside of it.
"""

import anyio

from solorun.outcome import StepResult, StopReason
from solorun.step import StepExecution


class RunCancelScope:
    """Exists from before anybody can see the run until after its end. The first reason told stands."""

    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self._waiting: anyio.CancelScope | None = None

    def cancel(self, reason: StopReason) -> bool:
        """Tell the run to stop. False when it had been told before; then the earlier reason stands."""
        if self.reason is not None:
            return False
        self.reason = reason
        if self._waiting is not None:
            self._waiting.cancel()
        return True

    async def wait(
        self, execution: StepExecution, *, run_deadline: float = float("inf"), step_deadline: float = float("inf")
    ) -> StepResult | None:
        """Wait for a step: its result, or None when it must be stopped, for `reason`.

        Deadlines are loop times. What came first decides: a step that ended before this was told keeps its result.
        """
        with anyio.CancelScope(deadline=min(run_deadline, step_deadline)) as scope:
            self._waiting = scope
            try:
                if self.reason is not None:
                    scope.cancel()
                return await execution.wait()
            finally:
                self._waiting = None
        if execution.result is not None:
            # It ended before it was told. Its output may still be on its way, and what it left behind be alive: the
            # execution brings both to their end, and nothing may follow it before.
            return await execution.wait()
        if self.reason is None:
            self.reason = StopReason.RUN_TIMEOUT if run_deadline <= step_deadline else StopReason.STEP_TIMEOUT
        return None
