"""Segments as rows: compressed when written, decompressed when read. Functions for a connection's thread."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from zstandard import ZstdCompressor, ZstdDecompressor

from solorun.record import Level
from solorun.run import MAX_RUN_ID, LevelCounts
from solorun.segment import Segment, join_segments
from solorun.stores.sql.connection import Connection, Cursor
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.rows import level_values, storable_id

PAGE_RECORDS: Final = 1_000
PAGE_BYTES: Final = 1024 * 1024
COMPACTION_RECORDS: Final = 4_000
COMPACTION_BYTES: Final = 2 * 1024 * 1024
_COMPRESSION_LEVEL: Final = 3


class _ThreadLocal(threading.local):
    """A compressor serves one thread at a time, and creating one costs as much as compressing a single line."""

    def __init__(self) -> None:
        self.compressor = ZstdCompressor(level=_COMPRESSION_LEVEL)


_thread_local = _ThreadLocal()


class StaleCompaction(Exception):
    """Another compaction of the run came first: the segments that were read no longer exist."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """Rows that replace all rows between their seqs, and where to continue."""

    replacements: tuple[tuple[dict[str, Any], int], ...]
    """Each new row, and the number of rows it replaces."""
    position: int
    """The seq after which the next compaction begins."""
    more: bool


def segment_values(segment: Segment) -> dict[str, Any]:
    """The parameters of `insert_segment`. Compresses, so call it before a transaction begins."""
    return {
        "run_id": segment.run_id,
        "first_seq": segment.first_seq,
        "last_seq": segment.last_seq,
        **level_values(segment.level_counts),
        "has_events": int(segment.has_events),
        "payload_bytes": len(segment.payload),
        "payload": _thread_local.compressor.compress(segment.payload),
    }


def iterate_segments(
    connection: Connection,
    run_id: int,
    *,
    limit: int,
    levels: frozenset[Level],
    events: bool = False,
    **bound: int,
) -> Iterator[Segment]:
    """Segments with records after `after`, oldest first, or before `before`, newest first.

    Leaves out segments without records of `levels` and, with `events` and `after`, segments known to have no events.
    """
    query = "list_segments_with_events_after" if events else "list_segments_after"
    query = "list_segments_before" if "before" in bound else query
    decompressor = ZstdDecompressor()
    with closing(_select(connection, query, run_id, limit, levels, **bound)) as cursor:
        for row in cursor:
            yield _unpack(row, decompressor)


def read_page(
    connection: Connection,
    run_id: int,
    *,
    after: int,
    max_records: int = PAGE_RECORDS,
    max_bytes: int = PAGE_BYTES,
) -> list[Segment]:
    """The next segments with records after `after`, oldest first: at least one, otherwise within the limits."""
    page: list[Segment] = []
    records = size = 0
    cursor = _select(connection, "list_segments_after", run_id, max_records, frozenset(Level), after=after)
    decompressor = ZstdDecompressor()
    for row in cursor:
        _, first_seq, last_seq, *_, payload_bytes, _ = row
        records += last_seq - first_seq + 1
        size += payload_bytes
        if page and (records > max_records or size > max_bytes):
            break
        page.append(_unpack(row, decompressor))
        if records >= max_records or size >= max_bytes:
            break  # before the payload of another row is read in vain
    cursor.close()
    return page


def plan_compaction(connection: Connection, run_id: int, *, after: int) -> Compaction:
    """Read segments after `after`, and join the small ones. For a reader's thread, because it compresses."""
    found = read_page(connection, run_id, after=after, max_records=COMPACTION_RECORDS, max_bytes=COMPACTION_BYTES)
    if not found:
        return Compaction((), after, more=False)
    (last_seq,) = connection.execute(QUERIES["select_last_segment"], {"run_id": run_id}).fetchone()
    joined = list(join_segments(found))
    more = found[-1].last_seq < last_seq
    sizes = [sum(part.first_seq <= old.first_seq <= part.last_seq for old in found) for part in joined]
    replacements = tuple((segment_values(part), size) for part, size in zip(joined, sizes, strict=True) if size > 1)
    # The last segment may have room for the next page's records, so the next compaction begins with it.
    position = joined[-1].first_seq - 1 if more and len(joined) > 1 else found[-1].last_seq
    return Compaction(replacements, position, more)


def apply_compaction(connection: Connection, compaction: Compaction) -> None:
    """Replace the small segments. Raises StaleCompaction, so that the transaction is rolled back."""
    for values, replaced in compaction.replacements:
        if connection.execute(QUERIES["delete_segments"], values).rowcount != replaced:
            raise StaleCompaction
        connection.execute(QUERIES["insert_segment"], values)


def _select(
    connection: Connection, query: str, run_id: int, limit: int, levels: frozenset[Level], **bound: int
) -> Cursor:
    """`bound` is `after` or `before`."""
    parameters = {"run_id": storable_id(run_id), "limit": limit}
    parameters |= {name: max(0, min(seq, MAX_RUN_ID)) for name, seq in bound.items()}
    parameters |= {level.value: int(level in levels) for level in Level}
    return connection.execute(QUERIES[query], parameters)


def _unpack(row: tuple[Any, ...], decompressor: ZstdDecompressor) -> Segment:
    run_id, first_seq, last_seq, debug, info, warning, error, has_events, payload_bytes, payload = row
    content = decompressor.decompress(payload, max_output_size=payload_bytes)
    segment = Segment(run_id, first_seq, last_seq, content, LevelCounts(debug, info, warning, error))
    return segment if has_events else segment.without_events()
