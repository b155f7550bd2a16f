"""Watches whether a step writes anything, and acts on its `stall_timeout`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from solorun.execution.handle import RunHandle
from solorun.outcome import StopReason
from solorun.project import StallTimeout, StepDeclaration
from solorun.record import Level
from solorun.settings import format_duration

_TICKS: Final = 20
"""In how many parts the time is counted. A service that stood still counts one: what was written may be unread."""


@contextmanager
def watched_for_stalls(run: RunHandle, step: StepDeclaration) -> Iterator[None]:
    """Warn about the step, or stop its attempt, if it writes nothing for too long while the block lasts."""
    if step.stall_timeout is None:
        yield
        return
    watch = _StallWatch(run, step, step.stall_timeout)
    try:
        yield
    finally:
        watch.stop()


class _StallWatch:
    def __init__(self, run: RunHandle, step: StepDeclaration, limit: StallTimeout) -> None:
        self._run = run
        self._step = step
        self._limit = limit
        self._writes = run.output.writes
        self._quiet_ticks = 0
        self._schedule()

    def stop(self) -> None:
        self._timer.cancel()

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._limit.after_seconds / _TICKS, self._tick)

    def _tick(self) -> None:
        self._schedule()
        output = self._run.output
        if output.writes != self._writes or output.is_blocked:
            self._writes = output.writes
            self._quiet_ticks = 0
            return
        self._quiet_ticks += 1
        if self._quiet_ticks == _TICKS:
            self._report()

    def _report(self) -> None:
        if self._limit.then == "fail":
            self._run.cancel_scope.cancel(StopReason.STALL)
            return
        message = f"{self._step.name} has written nothing for {format_duration(self._limit.after_seconds)}"
        self._run.channel.log(message, level=Level.WARNING, step=self._step.name)
