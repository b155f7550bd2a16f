"""Pages of a log. Reads of any length are split into slices of a few thousand records or 2 MiB. Other readers do not
wait long for the thread or the interpreter, no read transaction stays open for long, and memory is bounded.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from itertools import accumulate
from operator import itemgetter
from typing import Final, Protocol, TypeVar

import anyio
from msgspec import Raw, Struct, json, structs

from solorun.record import StoredLogPage
from solorun.run import MAX_RUN_ID, Run
from solorun.store import MAX_PAGE_BYTES, LogQuery
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.reads import check_existence, get_run
from solorun.stores.sql.segments import iterate_segments
from solorun.text.log_filter import LogFilter, find_range

T = TypeVar("T")
Match = tuple[int, bytes]
"""A record that the filter selects: its seq and its JSON."""
_Slice = tuple[list[Match], int]

SLICE_RECORDS: Final = 4_000
SLICE_BYTES: Final = 2 * MAX_PAGE_BYTES
SHORT_SCAN_RECORDS: Final = 50_000
LINE_RECORDS: Final = 100
"""A line that began in one of this many records before a part of a log is found in it."""
_seq: Final = itemgetter(0)


class _Numbered(Struct):
    seq: int


class Read(Protocol):
    """Executes a function on a reader's thread."""

    def __call__(self, function: Callable[[Connection], T], /) -> Awaitable[T]: ...


async def read_log(read: Read, scans: anyio.Semaphore, run_id: int, query: LogQuery) -> StoredLogPage:
    """A page of a log, without what is committed during the call. Raises RunNotFound.

    `scans` limits how many calls scan long logs at the same time. Short reads do not wait for them.
    """
    run = await read(partial(get_run, run_id=run_id))
    page = await _read_page(read, scans, run, query)
    if not query.context or not page.records:
        return page
    return structs.replace(page, context=await _read_context(read, run, query, page))


async def _read_page(read: Read, scans: anyio.Semaphore, run: Run, query: LogQuery) -> StoredLogPage:
    log_filter = LogFilter(
        level=query.level,
        step=query.step,
        stream=query.stream,
        text=query.text,
        options=query.options,
        events=query.events,
    )
    if query.scan is not None:
        async with nullcontext() if query.scan <= SHORT_SCAN_RECORDS else scans:
            return await _scan_near_bound(read, run, query, log_filter, query.scan)
    if query.step is None and not query.stream and not query.text and not query.events:
        return await _read_counted_page(read, run, query, log_filter)
    if _is_short(run, query):
        return await _scan_for_page(read, run, query, log_filter)
    async with scans:
        return await _scan_for_page(read, run, query, log_filter)


async def _read_counted_page(read: Read, run: Run, query: LogQuery, log_filter: LogFilter) -> StoredLogPage:
    """For a filter by level only: the run's row has the number of matches, and the page is next to its bound."""
    low, high = _bounds(run, query)
    find = partial(_find, read, run.id, log_filter)
    backwards = query.after is None
    page, is_cut = await find(low=low, high=high, limit=query.limit, backwards=backwards)
    boundary = high if backwards else low + 1
    first, last = (page[0][0], page[-1][0]) if page else (boundary, boundary - 1)
    _, more_before = await find(low=0, high=first, limit=0, backwards=True)
    _, more_after = await find(low=last, high=run.last_seq + 1, limit=0, backwards=False)
    return StoredLogPage(
        records=_records(page),
        matches=run.level_counts.total(log_filter.levels),
        more_before=more_before,
        more_after=more_after,
        next=_next(page, query) if is_cut else None,
    )


async def _scan_for_page(read: Read, run: Run, query: LogQuery, log_filter: LogFilter) -> StoredLogPage:
    """For other filters: read the whole log, or the part of it that belongs to the step, and count all matches."""
    low, high = _bounds(run, query)
    backwards = query.after is None
    page: list[Match] = []
    before = inside = after = 0
    position, last = find_range(run, query.step, query.attempt)
    while position < last:
        found, position = await read(
            partial(_read_slice, run_id=run.id, log_filter=log_filter, low=position, high=last + 1)
        )
        start, stop = bisect_right(found, low, key=_seq), bisect_left(found, high, key=_seq)
        before, inside, after = before + start, inside + stop - start, after + len(found) - stop
        page += found[start:stop]
        page = _cut(page[::-1], query.limit)[::-1] if backwards else _cut(page, query.limit)
    is_cut = inside > len(page)
    return StoredLogPage(
        records=_records(page),
        matches=before + inside + after,
        more_before=before > 0 or (is_cut and backwards),
        more_after=after > 0 or (is_cut and not backwards),
        next=_next(page, query) if is_cut else None,
    )


async def _scan_near_bound(read: Read, run: Run, query: LogQuery, log_filter: LogFilter, scan: int) -> StoredLogPage:
    """Read from the page's bound, a slice at a time, until the page is full or `scan` records are read."""
    first, end = find_range(run, query.step, query.attempt)
    low, high = _bounds(run, query)
    low, high = max(low, first), min(high, end + 1)
    backwards = query.after is None
    read_slice = partial(_read_slice, run_id=run.id, log_filter=log_filter)
    read_matches = _read_backwards if backwards else _read_forwards
    found, position = await read_matches(read, read_slice, low=low, high=high, scan=scan, limit=query.limit)
    page = _cut(found[::-1], query.limit)[::-1] if backwards else _cut(found, query.limit)
    if len(page) == query.limit or len(page) < len(found):
        position = _next(page, query) or position
    is_end = position <= low + 1 if backwards else position >= high - 1
    return StoredLogPage(
        records=_records(page),
        matches=len(page),
        more_before=not is_end if backwards else low > first,
        more_after=high <= end if backwards else not is_end,
        next=None if is_end else position,
    )


async def _read_forwards(
    read: Read, read_slice: Callable[..., _Slice], *, low: int, high: int, scan: int, limit: int
) -> tuple[list[Match], int]:
    """The first matches after `low`, at least `limit` if there are, and the last seq that was read."""
    found: list[Match] = []
    end = min(high, low + scan + 1)
    position = max(0, low - LINE_RECORDS)  # because a line may continue from there
    while position < end - 1 and len(found) < limit:
        matches, position = await read(partial(read_slice, low=position, high=end))
        found += [match for match in matches if match[0] > low]
    return found, max(low, min(position, end - 1))


async def _read_backwards(
    read: Read, read_slice: Callable[..., _Slice], *, low: int, high: int, scan: int, limit: int
) -> tuple[list[Match], int]:
    """The last matches before `high`, at least `limit` if there are, and the first seq that was read."""
    found: list[Match] = []
    end = max(low, high - scan - 1)
    while high - 1 > end and len(found) < limit:
        start = max(end, high - 1 - SLICE_RECORDS)
        part, _ = await _read_forwards(read, read_slice, low=start, high=high, scan=SLICE_RECORDS, limit=MAX_RUN_ID)
        found = part + found
        high = start + 1
    return found, high


async def _read_context(read: Read, run: Run, query: LogQuery, page: StoredLogPage) -> tuple[Raw, ...]:
    """The records around the match that is nearest to the page's bound, and that match, as far as they fit."""
    nearest = page.records[-1 if query.after is None else 0]
    seq = json.decode(nearest, type=_Numbered).seq
    find = partial(_find, read, run.id, LogFilter())
    before, _ = await find(low=max(0, seq - 1 - query.context), high=seq, limit=query.context, backwards=True)
    after, _ = await find(low=seq, high=seq + query.context + 1, limit=query.context, backwards=False)
    room = (MAX_PAGE_BYTES - sum(map(_size, map(bytes, (*page.records, nearest))))) // 2
    return (*_records(_fit(before[::-1], room)[::-1]), nearest, *_records(_fit(after, room)))


def _bounds(run: Run, query: LogQuery) -> tuple[int, int]:
    """The exclusive bounds of the page, limited to the log as it is now."""
    end = run.last_seq + 1
    low = 0 if query.after is None else min(max(query.after, 0), run.last_seq)
    high = end if query.before is None else min(max(query.before, 1), end)
    return low, high


def _is_short(run: Run, query: LogQuery) -> bool:
    """Whether few records are read, or a step's records of a level: most segments have none, and are left out."""
    first, last = find_range(run, query.step, query.attempt)
    return last - first <= SHORT_SCAN_RECORDS or not (query.step is None or query.level is None or query.text)


async def _find(
    read: Read, run_id: int, log_filter: LogFilter, *, low: int, high: int, limit: int, backwards: bool
) -> tuple[list[Match], bool]:
    """The first matches between the bounds that fit into a page, or the last ones if `backwards`, oldest first.

    Also returns whether there are more of them.
    """
    found: list[Match] = []
    page: list[Match] = []
    while len(page) == len(found) and high - low > 1:
        matches, position = await read(
            partial(
                _read_slice,
                run_id=run_id,
                log_filter=log_filter,
                low=low,
                high=high,
                wanted=limit + 1 - len(found),
                backwards=backwards,
            )
        )
        found += matches
        page = _cut(found, limit)
        low, high = (low, position) if backwards else (position, high)
    return page[::-1] if backwards else page, len(page) < len(found)


def _read_slice(
    connection: Connection,
    run_id: int,
    log_filter: LogFilter,
    *,
    low: int,
    high: int,
    wanted: int = MAX_RUN_ID,
    backwards: bool = False,
) -> tuple[list[Match], int]:
    """The next matches between the bounds, and the bound to continue from.

    Stops when it has `wanted` matches (it may return more) or has read a slice, which is one segment if the filter is
    slow. Newest first if `backwards`. Raises RunNotFound if the run has expired since an earlier slice was read.
    """
    found: list[Match] = []
    records = size = 0
    bound = {"before": high} if backwards else {"after": low}
    events = bool(log_filter.events)
    for segment in iterate_segments(
        connection, run_id, levels=log_filter.levels, events=events, limit=SLICE_RECORDS, **bound
    ):
        matches = [match for match in log_filter.select(segment) if low < match[0] < high]
        found += reversed(matches) if backwards else matches
        records += segment.record_count
        size += len(segment.payload)
        if len(found) >= wanted or records >= SLICE_RECORDS or size >= SLICE_BYTES or log_filter.is_slow:
            return found, segment.first_seq if backwards else segment.last_seq
    if not records:
        check_existence(connection, run_id)
    return found, low + 1 if backwards else high


def _cut(found: list[Match], limit: int) -> list[Match]:
    """The first matches that fit into a page: at most `limit`, of at most MAX_PAGE_BYTES unless it is a single one."""
    found = found[:limit]
    return _fit(found, MAX_PAGE_BYTES) or found[:1]


def _fit(found: list[Match], room: int) -> list[Match]:
    """The first matches that fit into this many bytes."""
    return found[: sum(size <= room for size in accumulate(_size(line) for _, line in found))]


def _size(line: bytes) -> int:
    return len(line) + 1


def _next(page: list[Match], query: LogQuery) -> int | None:
    if not page:
        return None
    return page[0][0] if query.after is None else page[-1][0]


def _records(found: list[Match]) -> tuple[Raw, ...]:
    return tuple(Raw(line) for _, line in found)
