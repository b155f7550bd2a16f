"""The attempts of one step: logs how each begins and ends, decides whether another one follows, and waits for it."""

import asyncio
from datetime import timedelta
from typing import Any

from solorun.execution.handle import RunHandle
from solorun.logs import StepChange
from solorun.project import CommandStep, StepDeclaration
from solorun.record import Level
from solorun.retries import find_causes
from solorun.settings import format_duration
from solorun.status import StepStatus

_EXCLUDED = "; not tried again, because retry_on excludes this failure"


class Attempts:
    """`number` counts the attempts that have begun. `has_next`: another one follows."""

    def __init__(self, run: RunHandle, step: StepDeclaration) -> None:
        self._run = run
        self._step = step
        self._retries = step.retries
        self.number = 0
        self.has_next = False
        self._pause_seconds = 0.0

    async def wait_for_next(self) -> bool:
        """Wait for the pause before the next attempt; the first has none. False if the run has to stop."""
        scope = self._run.cancel_scope
        if self._pause_seconds:
            await scope.wait_for(asyncio.Event(), self._pause_seconds, deadline=self._run.deadline)
        return scope.reason is None

    def begin(self) -> None:
        self.number += 1
        command = self._step.command_line if isinstance(self._step, CommandStep) else None
        message = f"{self._step.name} started{self._position}"
        self._log(StepStatus.RUNNING, message, slots=self._run.step_slots, command=command)

    def end(self, status: StepStatus, exit_code: int | None = None, error_message: str | None = None) -> None:
        """Log that the attempt has ended. Another one follows if the step may be tried again."""
        error_message = self._run.channel.sanitize_error(error_message)
        cause = f": {error_message}" if error_message else ""
        has_failed, remains = status is StepStatus.FAILED, self.number <= self._retries.count
        is_covered = self._retries.covers(find_causes(exit_code, self._run.cancel_scope.reason))
        self.has_next = has_failed and remains and is_covered and self._run.cancel_scope.resume()
        ended = {"exit_code": exit_code, "error_message": error_message}
        if self.has_next:
            self._pause(cause, ended)
        else:
            remark = _EXCLUDED if has_failed and remains and not is_covered else ""
            self._log(status, f"{self._step.name} {status}{self._position}{cause}{remark}", **ended)

    def abandon(self, status: StepStatus, error_message: str | None) -> None:
        """Log the end of a step whose next attempt never began. A step without attempts is skipped instead."""
        if self.number:
            cause = f": {error_message}" if error_message else ""
            self._log(status, f"{self._step.name} {status}{cause}", error_message=error_message)

    @property
    def _position(self) -> str:
        return f", attempt {self.number} of {self._retries.max_attempts}" if self._retries.count else ""

    def _pause(self, cause: str, ended: dict[str, Any]) -> None:
        seconds = self._pause_seconds = self._retries.delay_after(self.number)
        self._log(
            StepStatus.WAITING,
            f"attempt {self.number} of {self._retries.max_attempts} failed{cause}; next in {_format_pause(seconds)}",
            next_attempt_at=self._run.clock.now() + timedelta(seconds=seconds),
            **ended,
        )

    def _log(self, status: StepStatus, message: str, **changes: Any) -> None:
        change = StepChange(
            name=self._step.name,
            status=status,
            attempt=self.number,
            max_attempts=self._retries.max_attempts,
            **changes,
        )
        levels = {StepStatus.FAILED: Level.ERROR, StepStatus.WAITING: Level.WARNING}
        self._run.channel.change_step(change, message, levels.get(status, Level.INFO))


def _format_pause(seconds: float) -> str:
    return format_duration(round(seconds)) if seconds >= 1 else f"{seconds:.1f}s"
