"""The statuses of a run and of a step, and the transitions between them. The store performs the transitions."""

from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final


class Status(StrEnum):
    """Where a run stands.

    `has_ended` and `holds_project` are separate questions: a queued run has not ended, and holds nothing yet.
    """

    QUEUED = "queued"
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def has_ended(self) -> bool:
        """Whether the status is terminal: it never changes again."""
        return self in TERMINAL

    @property
    def holds_project(self) -> bool:
        """Whether the run is active: no other run of its project may start."""
        return self is Status.RUNNING or self is Status.PENDING


class StepStatus(StrEnum):
    """Where a step stands: a run's statuses, `waiting` for its resources, and `skipped` if it never began."""

    PENDING = "pending"
    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"

    @property
    def has_ended(self) -> bool:
        return self not in (StepStatus.PENDING, StepStatus.WAITING, StepStatus.RUNNING)


ACTIVE: Final = frozenset({Status.PENDING, Status.RUNNING})
"""A run with one of these holds its project."""
TERMINAL: Final = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.INTERRUPTED})
"""A run with one of these has ended."""

TRANSITIONS: Final = MappingProxyType(
    {
        Status.QUEUED: frozenset({Status.PENDING, Status.CANCELLED}),
        Status.PENDING: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELLED, Status.INTERRUPTED}),
        Status.RUNNING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.INTERRUPTED}),
    }
)
"""The statuses that each status may become. A status without an entry is terminal."""


def allowed_predecessors(status: Status) -> frozenset[Status]:
    """The statuses from which a run may become `status`: the condition of the UPDATE that performs the transition."""
    return frozenset(before for before, afterwards in TRANSITIONS.items() if status in afterwards)


class UpdateResult(Enum):
    """The result of a conditional UPDATE. Three different things, so not a boolean."""

    UPDATED = "updated"
    NOT_FOUND = "not found"
    NOT_IN_EXPECTED_STATUS = "not in the expected status"
