"""Counts wrong tokens by address."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

MAX_FAILURES: Final = 10
WINDOW_SECONDS: Final = 60.0
_MAX_ADDRESSES: Final = 1_000


class Throttle:
    """Says when an address has sent more than ten wrong tokens within a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, deque[float]] = {}

    def is_exceeded(self, address: str) -> bool:
        """Record a wrong token, and return whether the address has sent too many."""
        failures = self._failures.pop(address, None) or deque(maxlen=MAX_FAILURES + 1)
        failures.append(self._clock())
        self._failures[address] = failures
        while len(self._failures) > _MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        return len(failures) > MAX_FAILURES and failures[-1] - failures[0] < WINDOW_SECONDS
