"""The structures on the wire that concern schedules."""

from typing import Annotated

import msgspec
from msgspec import Meta

from solorun.schedule import Firing, ScheduleSummary
from solorun.wire import Caller


class PauseRequest(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a schedule's pause."""

    reason: Annotated[str, Meta(max_length=500)] = ""
    requested_by: Caller = "api"


class ResumeRequest(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a request that ends a schedule's pause."""

    requested_by: Caller = "api"


class ScheduleList(msgspec.Struct, frozen=True):
    schedules: tuple[ScheduleSummary, ...]


class FiringList(msgspec.Struct, frozen=True):
    """Firings, newest first. `truncated`: there are more."""

    firings: tuple[Firing, ...]
    truncated: bool
