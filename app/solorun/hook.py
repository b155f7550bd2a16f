"""A hook as a project declares it, and its last delivery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from solorun.queueing import ConflictPolicy


class Verification(StrEnum):
    """How a hook verifies that a delivery comes from the owner of its secret."""

    GITHUB = "github"
    STANDARD = "standard"
    TOKEN = "token"  # noqa: S105 - no token, but the name of a method


@dataclass(frozen=True, slots=True)
class Hook:
    """An address to which another program sends deliveries. Each of them may start a run.

    `secret` names the service's variable that contains the secret. `params` maps the run's parameters, and `when` the
    conditions of a start, by JSON pointers (RFC 6901) into a delivery's body. `events` are the names of the events that
    start a run; () stands for all. `on_conflict` is what a start does; None means what the project declares.
    """

    name: str
    secret: str
    verify: Verification
    scope: str
    params: Mapping[str, str] = field(default_factory=dict)
    when: Mapping[str, str | int | bool] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    on_conflict: ConflictPolicy | None = None


class DeliveryOutcome(StrEnum):
    """What a delivery led to."""

    STARTED = "started"
    QUEUED = "queued"
    JOINED = "joined"
    REPEATED = "repeated"
    IGNORED = "ignored"
    REFUSED = "refused"


class HookDelivery(msgspec.Struct, frozen=True):
    """A verified delivery. `run_id` is the run that it or, if it is `repeated`, the first delivery with its id led to.

    `event` is the sender's name for what happened, "" if it has none. `reason` says why no run was started.
    """

    delivered_at: datetime
    event: str
    outcome: DeliveryOutcome
    run_id: int | None = None
    reason: str = ""
