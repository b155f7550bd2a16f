"""The clock of one run. It agrees with the wall clock when the run begins, and then counts the time that passes."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def count_seconds() -> float:
    """Seconds since an arbitrary moment, never set back. On Linux they include the time the machine was suspended."""
    return time.clock_gettime(_CLOCK)


class RunClock:
    """Setting the machine's clock changes no duration of a run, and no order in its log."""

    def __init__(self, begins_at: datetime, *, seconds: Callable[[], float] = count_seconds) -> None:
        self._begins_at = begins_at
        self._seconds = seconds
        self._began = seconds()

    def now(self) -> datetime:
        return self._begins_at + timedelta(seconds=self._seconds() - self._began)
