"""How long to wait after a failed attempt."""

import random
from typing import Final

FIRST_SECONDS: Final = 5.0
MAX_SECONDS: Final = 3600.0
_JITTER: Final = 0.25


def wait_seconds(failed_attempts: int, random_number: float | None = None) -> float:
    """Doubles with each failed attempt, from 5 s to an hour. Varies by a quarter, so that deliveries spread out."""
    seconds = min(FIRST_SECONDS * 2.0 ** min(failed_attempts - 1, 30), MAX_SECONDS)
    number = random.random() if random_number is None else random_number  # noqa: S311
    return seconds * (1 - _JITTER + 2 * _JITTER * number)
