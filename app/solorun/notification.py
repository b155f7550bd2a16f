"""News about runs, the targets that receive it, and its deliveries, as values."""

from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

MAX_ATTEMPTS_SHOWN: Final = 50


class NotifyEvent(StrEnum):
    """What a notification is about.

    `completed`, `failed`, `cancelled` and `interrupted` are the statuses of a run that has ended. `recovered` takes the
    place of `completed` if the run of the project before it failed or was interrupted; cancelled runs do not count.
    `late` comes from a schedule, `waiting` from a run that waits for an approval, and `test` from a person.
    """

    FAILED = "failed"
    INTERRUPTED = "interrupted"
    RECOVERED = "recovered"
    LATE = "late"
    WAITING = "waiting"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    TEST = "test"


DECLARABLE_EVENTS: Final = tuple(event for event in NotifyEvent if event is not NotifyEvent.TEST)
"""What a target may list in `on`."""
DEFAULT_EVENTS: Final = (
    NotifyEvent.FAILED,
    NotifyEvent.INTERRUPTED,
    NotifyEvent.RECOVERED,
    NotifyEvent.LATE,
    NotifyEvent.WAITING,
)


class TargetKind(StrEnum):
    """How a target is reached."""

    APPRISE = "apprise"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class NotifyTarget:
    """A declared target. `url` and `secret` are as written: `$NAME` stands for a variable of the service."""

    name: str
    kind: TargetKind
    url: str = field(repr=False)
    _: KW_ONLY
    secret: str = ""
    events: tuple[NotifyEvent, ...] = DEFAULT_EVENTS
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class NewNotification:
    """News that does not come from the end of a run, such as a schedule that is late.

    `key` identifies the news: a second notification with the same key is not sent, whichever process adds it. `detail`
    is one line that says what happened. `run_id` is the run that it is about, if there is one.
    """

    event: NotifyEvent
    project: str
    key: str
    occurred_at: datetime
    detail: str = ""
    run_id: int | None = None


class DeliveryStatus(StrEnum):
    """Where a delivery stands. A pending one is sent when it is due, and given up after a day of failed attempts."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class DeliveryAttempt(msgspec.Struct, frozen=True):
    """One attempt to deliver. `error` is None if it succeeded."""

    at: datetime
    error: str | None = None


class Delivery(msgspec.Struct, frozen=True):
    """A notification on its way to one target.

    `message_id` is the same in every attempt, so that a receiver can recognise repetitions. `attempts` are the last 50
    of `attempt_count`, oldest first. `next_attempt_at` is None unless the delivery is pending.
    """

    id: int
    message_id: str
    target: str
    event: NotifyEvent
    project: str
    run_id: int | None
    status: DeliveryStatus
    detail: str
    occurred_at: datetime
    next_attempt_at: datetime | None = None
    finished_at: datetime | None = None
    """When it was delivered or given up."""
    attempt_count: int = 0
    attempts: tuple[DeliveryAttempt, ...] = ()
