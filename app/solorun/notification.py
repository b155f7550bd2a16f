"""News about runs, the targets that receive it, and its deliveries, as values."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import msgspec

MAX_ATTEMPTS_SHOWN: Final = 50
_VARIABLE: Final = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.ASCII)
_NO_URL: Final = 'is not a URL; write it like "https://example.org/hook"'
_NO_WEBHOOK: Final = 'expected the URL of a webhook, like "https://example.org/hook", or a variable like "$HOOK_URL"'
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how every secret begins
_SECRET_BYTES: Final = range(24, 65)


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

    def find_missing_variables(self, environ: Mapping[str, str]) -> list[str]:
        """The variables it names that are not set."""
        names = [find_variable(text) for text in (self.url, self.secret)]
        return [name for name in names if name is not None and not environ.get(name, "").strip()]


def find_variable(text: str) -> str | None:
    """The name in `$NAME` or `${NAME}`; None for any other text."""
    found = _VARIABLE.fullmatch(text)
    return None if found is None else found[1] or found[2]


def resolve(text: str, environ: Mapping[str, str]) -> str:
    """The text, or the value of the variable that it names, "" if that is not set."""
    name = find_variable(text)
    return text if name is None else environ.get(name, "").strip()


def find_webhook_fault(url: str, *, allow_private: bool) -> str:
    """Why this is not the URL of a webhook; "" if it is one. The message does not contain it."""
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return _NO_URL
    if parts.scheme == "http" and not allow_private:
        return "must begin with https://; http:// requires allow_private = true"
    if parts.scheme not in ("http", "https"):
        return _NO_WEBHOOK
    return "" if is_complete and url.isprintable() else _NO_URL


def decode_secret(text: str) -> bytes:
    """The key of a Standard Webhooks secret. Raises ValueError with a message that does not contain it."""
    try:
        key = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in _SECRET_BYTES:
        raise ValueError(f'is not a secret of Standard Webhooks: "{_SECRET_PREFIX}" and 24 to 64 bytes in base64')
    return key


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
    """The state of a delivery. A pending one is sent when it is due, and given up after a day of failed attempts."""

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
