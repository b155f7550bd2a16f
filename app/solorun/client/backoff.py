"""Computes the delays between reconnects. `log_stream.py` does the waiting."""

import random
from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 0.1
MAX_SECONDS: Final = 5.0


class Backoff:
    """Delays that double from 0.1 s to `max_seconds`, with jitter so that many clients do not reconnect together.

    The stream's `retry:` or the response's `Retry-After` is the minimum of the next delay, but never exceeds the
    maximum: the service asks browsers to wait a minute before they reopen the stream of an ended run, and a stream
    that was cut off must be resumed sooner.
    """

    def __init__(self, *, max_seconds: float = MAX_SECONDS, jitter: Callable[[], float] = random.random) -> None:
        self._max_seconds = max_seconds
        self._jitter = jitter
        self._next = FIRST_SECONDS

    def reset(self) -> None:
        """Start again from the first delay, after records have arrived."""
        self._next = FIRST_SECONDS

    def next_delay(self, min_seconds: float | None = None) -> float:
        delay = max(self._next, min_seconds or 0.0)
        self._next = min(self._next * 2, self._max_seconds)
        return min(delay * (1 + self._jitter() / 2), self._max_seconds)
