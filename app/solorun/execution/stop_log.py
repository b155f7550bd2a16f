"""Logs how a run's work is stopped. If a cancel is the reason, each record carries all that is known of the cancel."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import asdict, replace

from solorun.execution.cancel_scope import RunCancelScope
from solorun.logs import Channel
from solorun.outcome import StopEffect, StopReason
from solorun.record import Event, Level
from solorun.run import Cancel
from solorun.settings import format_duration

_CAUSES: Final = {
    StopReason.CANCEL: ": cancel requested",
    StopReason.SHUTDOWN: ": the service is shutting down",
    StopReason.LEASE_LOST: ": the database does not respond",
}  # the step's end reports a time-out
_MAX_POSITION_LINES: Final = 40
_IGNORED: Final = "not stopped: it ignored the request and ended by itself"


class StopLog:
    """The log of one run's stop. `cancel` is the cancel so far, None if none was requested."""

    def __init__(self, channel: Channel, scope: RunCancelScope, now: Callable[[], datetime]) -> None:
        self._channel = channel
        self._scope = scope
        self._now = now
        self.cancel: Cancel | None = None

    def request_cancel(self, request: Cancel) -> Cancel:
        """Stop the work, and log who requested it. A later request can only shorten the grace."""
        if request.grace_seconds is not None:
            self._scope.limit_grace(request.grace_seconds)
        self._scope.cancel(StopReason.CANCEL)
        requested_by, reason = self._channel.mask(request.requested_by), self._channel.mask(request.reason)
        grace_seconds = self._scope.grace_seconds
        if self.cancel is None:
            self.cancel = Cancel(request.requested_at, requested_by, reason, grace_seconds)
            self._log_cancel(f"cancel requested by {requested_by}" + (f": {reason}" if reason else ""))
        elif grace_seconds != self.cancel.grace_seconds:
            self._log_cancel(f"grace shortened to {self._grace} by {requested_by}", grace_seconds=grace_seconds)
        return self.cancel

    def signalled(self, step: str) -> None:
        """The step in progress is asked to stop now."""
        cause = _CAUSES.get(self._scope.reason or StopReason.SHUTDOWN, "")
        message = f"stopping {step}{cause} (grace {self._grace})"
        # A requested stop is not a fault.
        level = Level.INFO if self._scope.reason is StopReason.CANCEL else Level.WARNING
        self._log(message, level, step, signalled_at=self._now(), grace_seconds=self._scope.grace_seconds)

    def located(self, step: str, position: Sequence[str]) -> None:
        """The step's work is at `position` now. The commands that a coroutine runs are located after it."""
        if position:
            earlier = self.cancel.position if self.cancel else ()
            message = f"{step} was running {', '.join(line.strip() for line in position)}"
            self._log(message, Level.INFO, step, position=(*earlier, *position)[:_MAX_POSITION_LINES])

    def ended(self, step: str, effect: StopEffect | None) -> None:
        """The step has ended after it was asked to stop."""
        effect = effect or StopEffect.STOPPED
        why = (
            f"it did not exit within its grace period ({self._grace})"
            if self._scope.grace_seconds
            else f"its grace period was {self._grace}"
        )
        messages = {
            StopEffect.STOPPED: f"{step} stopped",
            StopEffect.IGNORED: _IGNORED,
            StopEffect.KILLED: f"killed: {why}",
        }
        level = Level.INFO if effect is StopEffect.STOPPED else Level.WARNING
        if level is Level.WARNING or self._scope.reason is StopReason.CANCEL:
            self._log(messages[effect], level, step, effect=effect, settled_at=self._now())

    @property
    def _grace(self) -> str:
        seconds = self._scope.grace_seconds
        return format_duration(seconds) if seconds else "0s"

    def _log(self, message: str, level: Level, step: str, **changes: Any) -> None:
        """Log for a step that is being stopped, for whatever reason. Only a cancel that is the reason changes."""
        if self._scope.reason is StopReason.CANCEL:
            self._log_cancel(message, level, step, **changes)
        else:
            self._channel.log(message, level=level, step=step)

    def _log_cancel(self, message: str, level: Level = Level.INFO, step: str | None = None, **changes: Any) -> None:
        if self.cancel is not None:
            self.cancel = replace(self.cancel, **changes)
            self._channel.log(message, level=level, step=step, event=Event.CANCEL, data=asdict(self.cancel))
