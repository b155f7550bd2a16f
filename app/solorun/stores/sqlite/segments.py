"""Segments as rows: compressed on the way in, decompressed on the way out. Functions for a connection's thread."""

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from zstandard import ZstdCompressor, ZstdDecompressor

from solorun.record import Level
from solorun.run import MAX_RUN_ID, LevelCounts
from solorun.segment import Segment, join_segments
from solorun.stores.sqlite.queries import QUERIES
from solorun.stores.sqlite.rows import level_values, storable_id

PAGE_RECORDS: Final = 1_000
PAGE_BYTES: Final = 1024 * 1024
COMPACTION_RECORDS: Final = 4_000
COMPACTION_BYTES: Final = 2 * 1024 * 1024
_COMPRESSION_LEVEL: Final = 3
_ANY_LEVEL: Final = frozenset(Level)


class _OfThread(threading.local):
    """A compressor serves one thread at a time, and for a single line making one costs as much as its work."""

    def __init__(self) -> None:
        self.compressor = ZstdCompressor(level=_COMPRESSION_LEVEL)


_of_thread = _OfThread()


class StaleCompaction(Exception):
    """Another merge of the same run came first: the segments that were read are no longer there."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """What a run's merge has found: rows that replace those between their seqs, and where to go on."""

    replacements: tuple[tuple[dict[str, Any], int], ...]
    """Each new row, and how many it replaces."""
    position: int
    """The seq after which the next merge begins."""
    more: bool


def segment_values(segment: Segment) -> dict[str, Any]:
    """The parameters of `insert_segment`. Compresses: call it before a transaction is begun, not in one."""
    return {
        "run_id": segment.run_id,
        "first_seq": segment.first_seq,
        "last_seq": segment.last_seq,
        **level_values(segment.level_counts),
        "has_events": int(segment.has_events),
        "payload_bytes": len(segment.payload),
        "payload": _of_thread.compressor.compress(segment.payload),
    }


def iterate_segments(
    connection: sqlite3.Connection,
    run_id: int,
    *,
    after: int,
    levels: frozenset[Level] = _ANY_LEVEL,
    events: bool = False,
    limit: int = PAGE_RECORDS,
) -> Iterator[Segment]:
    """Segments with records after `after`, oldest first; those that have no record of `levels` are left out, and with
    `events` those that are known to tell none."""
    return _segments(_select_after(connection, run_id, after, limit, levels=levels, events=events))


def iterate_segments_backwards(
    connection: sqlite3.Connection,
    run_id: int,
    *,
    before: int,
    levels: frozenset[Level] = _ANY_LEVEL,
    limit: int = PAGE_RECORDS,
) -> Iterator[Segment]:
    """Segments with records before `before`, newest first."""
    parameters = {
        "run_id": storable_id(run_id),
        "before": max(0, min(before, MAX_RUN_ID)),
        "limit": limit,
        **_wanted(levels),
    }
    return _segments(connection.execute(QUERIES["list_segments_before"], parameters))


def read_page(
    connection: sqlite3.Connection,
    run_id: int,
    *,
    after: int,
    max_records: int = PAGE_RECORDS,
    max_bytes: int = PAGE_BYTES,
) -> list[Segment]:
    """The next segments with records after `after`, oldest first: at least one, as many as stay within the bounds."""
    page: list[Segment] = []
    records = size = 0
    cursor = _select_after(connection, run_id, after, max_records)
    decompressor = ZstdDecompressor()
    for row in cursor:
        _, first_seq, last_seq, *_, payload_bytes, _ = row
        records += last_seq - first_seq + 1
        size += payload_bytes
        if page and (records > max_records or size > max_bytes):
            break
        page.append(_unpack(row, decompressor))
        if records >= max_records or size >= max_bytes:
            break  # before the next row is fetched: its payload would be read for nothing
    cursor.close()
    return page


def plan_compaction(connection: sqlite3.Connection, run_id: int, *, after: int) -> Compaction:
    """Read some segments after `after` and join the small ones. For a reader's thread: it compresses."""
    found = read_page(connection, run_id, after=after, max_records=COMPACTION_RECORDS, max_bytes=COMPACTION_BYTES)
    if not found:
        return Compaction((), after, more=False)
    (last_seq,) = connection.execute(QUERIES["select_last_segment"], {"run_id": run_id}).fetchone()
    joined = list(join_segments(found))
    more = found[-1].last_seq < last_seq
    sizes = [sum(part.first_seq <= old.first_seq <= part.last_seq for old in found) for part in joined]
    replacements = tuple((segment_values(part), size) for part, size in zip(joined, sizes, strict=True) if size > 1)
    # The last one may have room for what comes after this page: begin with it next time, unless it is alone.
    position = joined[-1].first_seq - 1 if more and len(joined) > 1 else found[-1].last_seq
    return Compaction(replacements, position, more)


def apply_compaction(connection: sqlite3.Connection, compaction: Compaction) -> None:
    """Put the joined segments in place of the small ones. Raises StaleCompaction, which undoes the transaction."""
    for values, replaced in compaction.replacements:
        if connection.execute(QUERIES["delete_segments"], values).rowcount != replaced:
            raise StaleCompaction
        connection.execute(QUERIES["insert_segment"], values)


def _select_after(
    connection: sqlite3.Connection,
    run_id: int,
    after: int,
    limit: int,
    *,
    levels: frozenset[Level] = _ANY_LEVEL,
    events: bool = False,
) -> sqlite3.Cursor:
    parameters = {
        "run_id": storable_id(run_id),
        "after": max(0, min(after, MAX_RUN_ID)),
        "limit": limit,
        **_wanted(levels),
    }
    query = QUERIES["list_segments_with_events_after"] if events else QUERIES["list_segments_after"]
    return connection.execute(query, parameters)


def _segments(cursor: sqlite3.Cursor) -> Iterator[Segment]:
    decompressor = ZstdDecompressor()
    try:
        for row in cursor:
            yield _unpack(row, decompressor)
    finally:
        cursor.close()


def _unpack(row: tuple[Any, ...], decompressor: ZstdDecompressor) -> Segment:
    run_id, first_seq, last_seq, debug, info, warning, error, has_events, payload_bytes, payload = row
    content = decompressor.decompress(payload, max_output_size=payload_bytes)
    segment = Segment(run_id, first_seq, last_seq, content, LevelCounts(debug, info, warning, error))
    return segment if has_events else segment.without_events()


def _wanted(levels: frozenset[Level]) -> dict[str, int]:
    return {level.value: int(level in levels) for level in Level}
