"""Checks and repairs logs: seqs without gaps from 1, readable payloads, and counts that match the records."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import msgspec
from zstandard import ZstdDecompressor, ZstdError

from solorun.record import Level, Record
from solorun.run import LevelCounts
from solorun.segment import Segment
from solorun.store import Finding
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import load_queries
from solorun.stores.sql.rows import level_values
from solorun.stores.sql.segments import segment_values
from solorun.wire.encoding import decode_records

QUERIES: Final = load_queries(__package__, "logs.sql")


def check_logs(connection: Connection, *, repair: bool) -> Iterator[Finding]:
    """Check every record of every run."""
    for run_id, last_seq, debug, info, warning, error, first_error_seq in connection.execute(
        QUERIES["list_logs"]
    ).fetchall():
        log = _Log(connection, run_id, repair=repair)
        with closing(connection.execute(QUERIES["list_stored_segments"], {"run_id": run_id})) as segments:
            # A repair changes what is read. Otherwise, a long log need not fit into memory.
            for row in segments.fetchall() if repair else segments:
                yield from log.take(row)
        yield from log.compare(last_seq, LevelCounts(debug, info, warning, error), first_error_seq)


class _Log:
    """The log of one run. Takes its segments in order, then compares the run's row."""

    def __init__(self, connection: Connection, run_id: int, *, repair: bool) -> None:
        self._connection = connection
        self._run_id = run_id
        self._repair = repair
        self._last_seq = 0
        self._counts = LevelCounts()
        self._first_error_seq: int | None = None
        self._readable = True

    def take(self, row: tuple[Any, ...]) -> Iterator[Finding]:
        row_id, first_seq, last_seq, debug, info, warning, error, has_events, compressed = row
        counts = LevelCounts(debug, info, warning, error)
        where = f"Records {first_seq}-{last_seq} of run {self._run_id}"
        records: list[Record] | None
        try:
            payload = ZstdDecompressor().decompress(compressed)
            records = decode_records(payload)
        except (ZstdError, msgspec.MsgspecError, UnicodeError) as damage:
            yield Finding(self._run_id, f"{where} cannot be read: {damage}.", None)
            records, payload = None, b""
        if records is not None and [record.seq for record in records] != list(range(first_seq, last_seq + 1)):
            yield Finding(self._run_id, f"{where} do not match their row.", None)
            records = None
        if first_seq > self._last_seq + 1:
            missing = f"Records {self._last_seq + 1}-{first_seq - 1} of run {self._run_id}"
            yield Finding(self._run_id, f"{missing} are missing.", None)
        if records is None:
            self._readable = False
            self._last_seq = last_seq
            return
        stored = Segment(self._run_id, first_seq, last_seq, payload, _count(records))
        if first_seq <= self._last_seq:
            yield Finding(self._run_id, f"{where} repeat earlier ones.", "deletes the repeated ones")
            self._replace(row_id, self._without_repeats(stored))
        elif counts != stored.level_counts:
            yield Finding(self._run_id, f"{where} do not match the level counts of their row.", "recounts them")
            self._replace(row_id, stored)
        elif stored.has_events and not has_events:
            yield Finding(self._run_id, f"{where} have events, but their row says they do not.", "corrects the row")
            self._replace(row_id, stored)
        self._add(record for record in records if record.seq > self._last_seq)

    def compare(self, last_seq: int, counts: LevelCounts, first_error_seq: int | None) -> Iterator[Finding]:
        """Compare the run's row with the segments."""
        # Unreadable records cannot be counted.
        known = (self._counts, self._first_error_seq) if self._readable else (counts, first_error_seq)
        has_wrong_end, has_wrong_counts = last_seq != self._last_seq, known != (counts, first_error_seq)
        if has_wrong_end:
            message = f"The row of run {self._run_id} says its log ends at {last_seq}, but it ends at {self._last_seq}."
            yield Finding(self._run_id, message, "uses the end of the log")
        if has_wrong_counts:
            message = f"The level counts of run {self._run_id} do not match its records."
            yield Finding(self._run_id, message, "recounts them")
        if self._repair and (has_wrong_end or has_wrong_counts):
            values = {"run_id": self._run_id, "last_seq": self._last_seq, "first_error_seq": known[1]}
            self._connection.execute(QUERIES["repair_log"], values | level_values(known[0]))

    def _without_repeats(self, stored: Segment) -> Segment | None:
        if stored.last_seq <= self._last_seq:
            return None
        rest = stored.after(self._last_seq)
        return msgspec.structs.replace(rest, level_counts=_count(decode_records(rest.payload)))

    def _replace(self, row_id: int, segment: Segment | None) -> None:
        if self._repair and segment is None:
            self._connection.execute(QUERIES["delete_segment"], {"id": row_id})
        elif self._repair and segment is not None:
            self._connection.execute(QUERIES["replace_segment"], {"id": row_id, **segment_values(segment)})

    def _add(self, records: Iterator[Record]) -> None:
        new = list(records)
        self._counts += _count(new)
        for record in new:
            self._last_seq = record.seq
            if record.level is Level.ERROR and self._first_error_seq is None:
                self._first_error_seq = record.seq


def _count(records: list[Record]) -> LevelCounts:
    counts = Counter(record.level for record in records)
    return LevelCounts(counts[Level.DEBUG], counts[Level.INFO], counts[Level.WARNING], counts[Level.ERROR])
