"""One entry of a run's log. Output lines, step starts and ends, and progress are all records, in one sequence."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

MAX_MESSAGE_BYTES: Final = 16 * 1024
"""A longer line becomes several records, all but the last `partial`, cut between characters (UTF-8)."""


def cut_message(text: str) -> list[str]:
    """Cut `text` into messages within the limit, at least one. What UTF-8 cannot express becomes a question mark."""
    # A coroutine may pass lone surrogates.
    data = text.encode("utf-8", "replace")
    pieces, start = [], 0
    while len(data) - start > MAX_MESSAGE_BYTES:
        pieces.append(data[start : start + MAX_MESSAGE_BYTES].decode("utf-8", "ignore"))
        start += len(pieces[-1].encode())
    return [*pieces, data[start:].decode()]


def clip_message(text: str) -> str:
    """`text` on one line, cut to what fits into one record."""
    return text.encode("utf-8", "replace")[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore").replace("\n", " ")


def split_message(text: str, *, partial: bool) -> Iterator[tuple[str, bool]]:
    """The messages that `text` is stored as: its lines, in pieces that fit, each with whether its line continues.

    `partial` says whether the last line of `text` continues.
    """
    *lines, last = text.split("\n")
    for line in lines:
        yield from split_message(line, partial=False)
    *pieces, end = cut_message(last)
    yield from ((piece, True) for piece in pieces)
    yield end, partial


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
    """Where a record comes from: a pipe of the command, a call or workflow command of the step, or the service."""

    STDOUT = "stdout"
    STDERR = "stderr"
    STEP = "step"
    SOLORUN = "solorun"


class Event(StrEnum):
    """What a record reports in addition to its message. It decides the shape of `data`:

    step `{name, status, exit_code}`, with `attempt` if it has retries and `command` if one begins, progress
    `{current, total, item}`, group `{name, open}`, artifact `{name, size_bytes}`, cancel: the run's cancel as it is
    then.
    """

    STEP = "step"
    PROGRESS = "progress"
    GROUP = "group"
    ARTIFACT = "artifact"
    CANCEL = "cancel"


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A record. `seq` counts from 1 within its run, without gaps. `time` is aware UTC.

    `partial`: the next record of the same step and stream continues this line. The order of the fields is the order on
    the wire, where `event` is never inside another object (see segment.py).
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
    """Records in order. `matches` counts the records of the whole log that pass the filters.

    `next` is where the following page begins if the limit of records or of bytes cut this one: a value for `after` if
    the page has that bound, otherwise for `before`. With `scan`, `matches` counts those of the page, and `more_before`
    and `more_after` say whether the log has records there that were not read. `context` has the records around the
    match that is nearest to the page's bound, whatever the filters, and that match.
    """

    records: tuple[Record, ...]
    matches: int
    more_before: bool
    more_after: bool
    next: int | None = None
    context: tuple[Record, ...] = ()


class StoredLogPage(msgspec.Struct, frozen=True):
    """A LogPage whose records are still JSON. A service sends it without decoding them."""

    records: tuple[msgspec.Raw, ...]
    matches: int
    more_before: bool
    more_after: bool
    next: int | None = None
    context: tuple[msgspec.Raw, ...] = ()
