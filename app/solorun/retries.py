"""How often a step is tried again after a failure, and how long it waits before the next attempt."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from solorun.outcome import StopReason

DEFAULT_DELAY_SECONDS: Final = 10.0
DEFAULT_MAX_DELAY_SECONDS: Final = 300.0
CAUSES: Final = ("exit", "signal", "timeout", "stall", "error")
"""Causes of a failure. `exit N` is a cause too."""

_STOPS: Final = {StopReason.STEP_TIMEOUT: "timeout", StopReason.STALL: "stall"}


@dataclass(frozen=True, slots=True)
class Retries:
    """`count` is the number of attempts after the first one. If `causes` is empty, any failure leads to another."""

    count: int = 0
    delay_seconds: float = DEFAULT_DELAY_SECONDS
    max_delay_seconds: float = DEFAULT_MAX_DELAY_SECONDS
    causes: frozenset[str] = frozenset()

    @property
    def max_attempts(self) -> int:
        return self.count + 1

    def covers(self, causes: Collection[str]) -> bool:
        """Whether a failure with these causes leads to another attempt."""
        return not self.causes or not self.causes.isdisjoint(causes)

    def delay_after(self, attempt: int, jitter: Callable[[], float] = random.random) -> float:
        """The seconds to wait after an attempt, counted from 1. They double, less up to a quarter at random."""
        longest = min(self.delay_seconds * 2.0 ** (attempt - 1), self.max_delay_seconds)
        return longest * (1 - jitter() / 4)


def find_causes(exit_code: int | None, reason: StopReason | None) -> frozenset[str]:
    """The causes of a failure: of an attempt that was stopped for `reason`, or that ended with this exit code."""
    if reason in _STOPS:
        return frozenset({_STOPS[reason]})
    if exit_code is None:
        return frozenset({"error"})
    return frozenset({"exit", f"exit {exit_code}"}) if exit_code > 0 else frozenset({"signal"})
