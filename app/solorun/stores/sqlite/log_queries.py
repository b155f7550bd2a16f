"""Pages of a log. Reads of any length are split into slices of a few thousand records, so that other readers do not
wait long for the thread or the interpreter, and no read transaction stays open for long.
"""

import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol, TypeVar

import anyio

from solorun.errors import RunNotFound
from solorun.log_filter import LogFilter
from solorun.record import LogPage, Record
from solorun.run import Run
from solorun.status import StepStatus
from solorun.store import LogQuery
from solorun.stores.sqlite.reads import find_run
from solorun.stores.sqlite.segments import iterate_segments, iterate_segments_backwards
from solorun.wire import decode_record

T = TypeVar("T")
Match = tuple[int, bytes]
"""A record that the filter selects: its seq and its JSON."""

SLICE_RECORDS: Final = 4_000
_UNENDED: Final = frozenset({StepStatus.PENDING, StepStatus.RUNNING})


class Read(Protocol):
    """Executes a function on a reader's thread."""

    def __call__(self, function: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


async def read_log(read: Read, scans: anyio.Semaphore, run_id: int, query: LogQuery) -> LogPage:
    """A page of a log, without what is committed during the call. Raises RunNotFound.

    `scans` limits how many calls scan whole logs at the same time.
    """
    run = await read(lambda connection: find_run(connection, run_id))
    if run is None:
        raise RunNotFound(f"There is no run {run_id}.")
    log_filter = LogFilter(level=query.level, step=query.step, text=query.text, events=query.events)
    if query.step is None and not query.text and not query.events:
        return await _read_counted_page(read, run, query, log_filter)
    async with scans:
        return await _scan_for_page(read, run, query, log_filter)


async def _read_counted_page(read: Read, run: Run, query: LogQuery, log_filter: LogFilter) -> LogPage:
    """For a filter by level only: the run's row has the number of matches, and the page is next to its bound."""
    low, high = _bounds(run, query)
    if query.after is not None:
        found = await _find_first(read, run.id, log_filter, low=low, high=high, limit=query.limit)
        boundary = low + 1
    else:
        found = await _find_last(read, run.id, log_filter, high=high, limit=query.limit)
        boundary = high
    first, last = (found[0][0], found[-1][0]) if found else (boundary, boundary - 1)
    end = run.last_seq + 1
    return LogPage(
        records=_decode(found),
        matches=run.level_counts.total(log_filter.levels),
        more_before=bool(await _find_last(read, run.id, log_filter, high=first, limit=1)),
        more_after=bool(await _find_first(read, run.id, log_filter, low=last, high=end, limit=1)),
    )


async def _scan_for_page(read: Read, run: Run, query: LogQuery, log_filter: LogFilter) -> LogPage:
    """For other filters: read the whole log, or the part of it that belongs to the step."""
    scan = _Scan(log_filter, query, *_bounds(run, query))
    position, end = _range_of_step(run, query.step)
    while position < end:
        position = await read(lambda connection, after=position: scan.slice(connection, run.id, after, end))  # type: ignore[misc]
    return scan.page()


def _bounds(run: Run, query: LogQuery) -> tuple[int, int]:
    """The exclusive bounds of the page, limited to the log as it is now."""
    end = run.last_seq + 1
    low = 0 if query.after is None else min(max(query.after, 0), run.last_seq)
    high = end if query.before is None else min(max(query.before, 1), end)
    return low, high


def _range_of_step(run: Run, name: str | None) -> tuple[int, int]:
    """The seqs (first exclusive, last inclusive) that contain all records of a step."""
    if name is None:
        return 0, run.last_seq
    for step in run.steps:
        if step.name == name:
            first = 0 if step.first_seq is None else step.first_seq - 1
            ended = step.status not in _UNENDED and step.last_seq is not None
            return first, step.last_seq if ended and step.last_seq else run.last_seq
    return 0, 0


async def _find_first(
    read: Read, run_id: int, log_filter: LogFilter, *, low: int, high: int, limit: int
) -> list[Match]:
    """The first matches between the bounds."""
    found: list[Match] = []
    position = low

    def read_slice(connection: sqlite3.Connection) -> int:
        records = 0
        for segment in iterate_segments(
            connection, run_id, after=position, levels=log_filter.levels, limit=SLICE_RECORDS
        ):
            found.extend(match for match in log_filter.select(segment) if low < match[0] < high)
            records += segment.record_count
            if len(found) >= limit or records >= SLICE_RECORDS:
                return segment.last_seq
        return high

    while len(found) < limit and position < high - 1:
        position = await read(read_slice)
    return found[:limit]


async def _find_last(read: Read, run_id: int, log_filter: LogFilter, *, high: int, limit: int) -> list[Match]:
    """The last matches before the bound, oldest first."""
    found: deque[Match] = deque()
    position = high

    def read_slice(connection: sqlite3.Connection) -> int:
        records = 0
        for segment in iterate_segments_backwards(
            connection, run_id, before=position, levels=log_filter.levels, limit=SLICE_RECORDS
        ):
            found.extendleft(match for match in reversed(log_filter.select(segment)) if match[0] < position)
            records += segment.record_count
            if len(found) >= limit or records >= SLICE_RECORDS:
                return segment.first_seq
        return 1

    while len(found) < limit and position > 1:
        position = await read(read_slice)
    return list(found)[max(0, len(found) - limit) :]


class _Scan:
    """A scan through a log: counts all matches, and keeps the page of them."""

    def __init__(self, log_filter: LogFilter, query: LogQuery, low: int, high: int) -> None:
        self._filter = log_filter
        self._low = low
        self._high = high
        self._limit = query.limit
        self._from_start = query.after is not None
        self._found: deque[Match] = deque(maxlen=None if self._from_start else query.limit)
        self._before = self._inside = self._after = 0

    def slice(self, connection: sqlite3.Connection, run_id: int, after: int, end: int) -> int:
        """Read some records after `after`, up to `end`. Returns the last seq that was read."""
        records = 0
        levels, events = self._filter.levels, bool(self._filter.events)
        for segment in iterate_segments(
            connection, run_id, after=after, levels=levels, events=events, limit=SLICE_RECORDS
        ):
            for match in self._filter.select(segment):
                if after < match[0] <= end:
                    self._count(match)
            records += segment.record_count
            if records >= SLICE_RECORDS:
                return segment.last_seq
        return end

    def page(self) -> LogPage:
        has_more = self._inside > len(self._found)
        return LogPage(
            records=_decode(self._found),
            matches=self._before + self._inside + self._after,
            more_before=self._before > 0 or (has_more and not self._from_start),
            more_after=self._after > 0 or (has_more and self._from_start),
        )

    def _count(self, match: Match) -> None:
        if match[0] <= self._low:
            self._before += 1
        elif match[0] >= self._high:
            self._after += 1
        else:
            self._inside += 1
            if not self._from_start or len(self._found) < self._limit:
                self._found.append(match)


def _decode(found: Iterable[Match]) -> tuple[Record, ...]:
    return tuple(decode_record(line) for _, line in found)
