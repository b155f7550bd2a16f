"""The structures on the wire that concern schedules."""

from typing import Annotated

import msgspec
from msgspec import Meta

from solorun.queueing import ConflictPolicy
from solorun.schedule import Firing, ScheduleSummary
from solorun.wire.runs import Caller


class PauseRequest(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a schedule's pause."""

    reason: Annotated[str, Meta(max_length=500)] = ""
    requested_by: Caller = "api"


class ResumeRequest(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a request that ends a schedule's pause."""

    requested_by: Caller = "api"


class RunScheduleRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request that runs a schedule now. `triggered_by` is a short word for what started the run.

    `on_conflict` is what to do if the project or a resource is taken; None means what the schedule declares.
    """

    triggered_by: Caller = "api"
    on_conflict: ConflictPolicy | None = None


class ScheduleList(msgspec.Struct, frozen=True):
    schedules: tuple[ScheduleSummary, ...]


class FiringList(msgspec.Struct, frozen=True):
    """Firings, newest first. `truncated`: there are more."""

    firings: tuple[Firing, ...]
    truncated: bool
