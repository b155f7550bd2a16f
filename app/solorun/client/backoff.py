"""How long to wait before a stream is asked for again. Numbers only: waiting is done in `follow.py`."""

import random
from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 0.1
LONGEST_SECONDS: Final = 5.0


class Backoff:
    """Delays that double from 0.1 to 5 s, each lengthened at random so that many clients do not come back as one.

    `retry:` of a stream and `Retry-After` of an answer are a floor for the next delay, up to the longest one: a stream
    that was cut in the middle of an ended run's log, where browsers are asked to stay away for a minute, must go on.
    """

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self._next = FIRST_SECONDS

    def reset(self) -> None:
        """Something useful came: the next delay is short again."""
        self._next = FIRST_SECONDS

    def next_delay(self, floor_seconds: float | None = None) -> float:
        delay = min(max(self._next, floor_seconds or 0.0), LONGEST_SECONDS)
        self._next = min(self._next * 2, LONGEST_SECONDS)
        return min(delay * (1 + self._jitter() / 2), LONGEST_SECONDS)
