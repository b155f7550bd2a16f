"""The states of a run and of a step, and the moves between them. Values only; the store makes the moves."""

from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final


class Status(StrEnum):
    """Where a run stands. `pending` and `running` are active; the others are terminal and never change."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def is_active(self) -> bool:
        return self in ACTIVE

    @property
    def is_terminal(self) -> bool:
        return self not in ACTIVE


class StepStatus(StrEnum):
    """Where a step of a run stands: a run's statuses, and `skipped` for a step that was never begun."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"


ACTIVE: Final = frozenset({Status.PENDING, Status.RUNNING})
TERMINAL: Final = frozenset(Status) - ACTIVE

TRANSITIONS: Final = MappingProxyType(
    {
        Status.PENDING: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELLED, Status.INTERRUPTED}),
        Status.RUNNING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.INTERRUPTED}),
    }
)
"""From an active status to those it may become. A status that is no key here is terminal."""


def allowed_predecessors(status: Status) -> frozenset[Status]:
    """The statuses from which a run may become `status`: the condition of the UPDATE that makes the move."""
    return frozenset(before for before, afterwards in TRANSITIONS.items() if status in afterwards)


class UpdateResult(Enum):
    """What a conditional UPDATE answers: three different things, never one boolean."""

    UPDATED = "updated"
    NOT_FOUND = "not found"
    NOT_IN_EXPECTED_STATUS = "not in the expected status"
