"""The processes that execute runs: services, and workers on any host."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

DEFAULT_LABEL: Final = "default"
DEFAULT_LABELS: Final = (DEFAULT_LABEL,)
DEFAULT_CAPACITY: Final = 4


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that executes the runs whose labels it has, at most `capacity` at a time.

    `labels` of None means all labels, and a `capacity` of None means any number of runs. `directory` identifies its
    data directory, which only one process at a time can lock.
    """

    id: str
    host: str
    labels: tuple[str, ...] | None = None
    capacity: int | None = None
    directory: str | None = None

    def covers(self, labels: tuple[str, ...]) -> bool:
        """Whether it can execute a run with these labels."""
        return self.capacity != 0 and (self.labels is None or set(labels) <= set(self.labels))


class WorkerState(StrEnum):
    """`draining` takes no new runs, and `lost` has not renewed its lease in time."""

    ACTIVE = "active"
    DRAINING = "draining"
    LOST = "lost"


class WorkerStatus(msgspec.Struct, frozen=True):
    """A worker as its row says. `runs` are the ids of its active runs; `labels` and `capacity` as in Worker."""

    id: str
    host: str
    labels: tuple[str, ...] | None
    capacity: int | None
    state: WorkerState
    runs: tuple[int, ...]
    started_at: datetime
    last_seen: datetime

    @property
    def is_full(self) -> bool:
        return self.capacity is not None and len(self.runs) >= self.capacity

    def can_begin(self, labels: tuple[str, ...]) -> bool:
        """Whether it begins runs with these labels, as soon as it has a free place."""
        return self.state is WorkerState.ACTIVE and (self.labels is None or set(labels) <= set(self.labels))
