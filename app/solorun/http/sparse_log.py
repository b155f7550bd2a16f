"""Logs what clients can cause, at most once a second: they must not be able to fill the disk with it."""

import logging
import time
from collections.abc import Callable
from typing import Final

INTERVAL_SECONDS: Final = 1.0


class SparseLog:
    """Logs warnings of one kind. A message says how many were left out since the previous one."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._silent_until = 0.0
        self._left_out = 0

    def warning(self, message: str, *args: object) -> None:
        if self._clock() < self._silent_until:
            self._left_out += 1
            return
        suffix = f" ({self._left_out} more since the last message)" if self._left_out else ""
        self._silent_until, self._left_out = self._clock() + INTERVAL_SECONDS, 0
        self._logger.warning(message + suffix, *args)
