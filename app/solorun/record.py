"""One entry of a run's log. Output lines, step starts and ends, and progress are all records, in one sequence."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

MAX_MESSAGE_BYTES: Final = 16 * 1024
"""A longer line is cut into several records, all but the last `partial` (UTF-8, at a character's edge)."""


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def at_least(self) -> frozenset["Level"]:
        """This level and the ones above it."""
        levels = list(Level)
        return frozenset(levels[levels.index(self) :])


class Stream(StrEnum):
    """Who said it: the work on a pipe, the work by a call or a workflow command, or the service."""

    STDOUT = "stdout"
    STDERR = "stderr"
    STEP = "step"
    SOLORUN = "solorun"


class Event(StrEnum):
    """What a record tells besides its message; the shape of `data` follows from it.

    step `{name, status, exit_code}`, progress `{current, total, item}`, group `{name, open}`,
    artifact `{name, size_bytes}`, cancel `{requested_by, reason}`.
    """

    STEP = "step"
    PROGRESS = "progress"
    GROUP = "group"
    ARTIFACT = "artifact"
    CANCEL = "cancel"


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A record: `seq` is gap-free from 1 within its run; `time` is aware UTC.

    `partial` says that the next record of the same step and stream continues this line.
    The order of the fields is the order on the wire; `event` is never inside another object there (see segment.py).
    """

    seq: int
    time: datetime
    level: Level
    step: str | None
    stream: Stream
    message: str
    event: Event | None = None
    data: dict[str, Any] | None = None
    partial: bool = False


class LogPage(msgspec.Struct, frozen=True):
    """Records in order; `matches` counts those of the whole log that the filters let through."""

    records: tuple[Record, ...]
    matches: int
    more_before: bool
    more_after: bool
