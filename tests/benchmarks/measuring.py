"""Measures the service and a limit alternately: on a shared machine only the ratio of the figures is meaningful."""

import os
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")

Measurement = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of a measurement: `amount` scales the numbers of lines and runs, `streams` those of streams."""

    pairs: int = 5
    seconds: float = 2.0
    amount: float = 1.0
    streams: float = 1.0
    history_runs: int = 1_000_000
    history_records: int = 100_000_000
    soak_seconds: float = 20.0
    pruned_runs: int = 20_000

    def lines(self, number: int) -> int:
        return max(50, int(number * self.amount))

    def open_streams(self, number: int) -> int:
        return max(2, int(number * self.streams))


FULL: Final = Scale()
TINY: Final = Scale(
    pairs=1,
    seconds=0.1,
    amount=0.001,
    streams=0.02,
    history_runs=2_000,
    history_records=20_000,
    soak_seconds=0.5,
    pruned_runs=200,
)


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the ratio or, without a limit to compare with, on the figure itself."""

    at_least: float | None = None
    at_most: float | None = None

    def is_met_by(self, value: float) -> bool:
        low = self.at_least is None or value >= self.at_least
        return low and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table. `limit` is None if there is nothing to compare with; the goal then applies to `ours`.

    `skipped` is the reason why there is no figure.
    """

    name: str
    unit: str
    goal: Goal | None
    ours: float = float("nan")
    limit: float | None = None
    ratio: float | None = None
    skipped: str = ""

    @property
    def met(self) -> bool | None:
        if self.skipped or self.goal is None:
            return None
        return self.goal.is_met_by(self.ratio if self.ratio is not None else self.ours)


async def compare(
    name: str, unit: str, goal: Goal | None, ours: Measurement, limit: Measurement, *, scale: Scale
) -> Result:
    """Warm both up, then measure them alternately. The ratio is the median of the pairs' ratios."""
    if scale.pairs > 1:
        await ours()
        await limit()
    pairs = [(await ours(), await limit()) for _ in range(scale.pairs)]
    return Result(
        name,
        unit,
        goal,
        ours=statistics.median(mine for mine, _ in pairs),
        limit=statistics.median(theirs for _, theirs in pairs),
        ratio=statistics.median(mine / theirs for mine, theirs in pairs),
    )


def percentile(values: list[float], share: float) -> float:
    """The smallest value that is at least as large as a `share` of the values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process in user and kernel mode, with a resolution of a hundredth of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def resident_bytes(pid: int) -> int:
    """The resident memory of a process, including what it shares with others."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} has no resident memory")


def voluntary_switches(pid: int) -> int:
    """How often the threads of a process have gone to sleep: every wake-up ends with one switch."""
    return sum(
        int(line.split()[1])
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    )


class Stopwatch:
    """CPU and wall time of a process from now on. `cpu` is never zero, since a short run may use less than one tick."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._cpu = cpu_seconds(pid)
        self._began = time.monotonic()

    @property
    def cpu(self) -> float:
        return max(self.used, 1 / _TICKS_PER_SECOND)

    @property
    def used(self) -> float:
        """The CPU time, which may be zero."""
        return cpu_seconds(self._pid) - self._cpu

    @property
    def wall(self) -> float:
        return time.monotonic() - self._began
