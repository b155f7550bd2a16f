"""A batch of records that is committed together: what the store holds and the streams send.

Its payload is NDJSON, one record per line. Every other form is cut from these bytes without decoding them, once for all
readers. JSON escapes quotes inside strings, so the bytes `,"event":"` can only be the member.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final

import msgspec

from solorun.run import LevelCounts

MAX_SEGMENT_RECORDS: Final = 1_000
MAX_SEGMENT_BYTES: Final = 256 * 1024
EVENT_MEMBER: Final = b',"event":"'
"""How the event begins in the JSON of a record that has one."""
PART_BYTES: Final = 48 * 1024
"""The size of one `records` event of a large segment."""

_SSE_LOG: Final = b"id: %d\nevent: log\ndata: %b\n\n"
_SSE_EVENT: Final = b"id: %d\nevent: %b\ndata: %b\n\n"
_SSE_EVENT_OF_RUN: Final = b'event: %b\ndata: {"run":%d,%b\n\n'


class Segment(msgspec.Struct, frozen=True, dict=True):
    """Records `first_seq` to `last_seq` (inclusive, gap-free) of one run, as NDJSON with a final newline."""

    run_id: int
    first_seq: int
    last_seq: int
    payload: bytes
    level_counts: LevelCounts = LevelCounts()

    @property
    def record_count(self) -> int:
        return self.last_seq - self.first_seq + 1

    @cached_property
    def has_events(self) -> bool:
        """Whether a record has an event. Searches the payload unless that is already known."""
        return EVENT_MEMBER in self.payload

    def without_events(self) -> "Segment":
        """This segment, known to have no event."""
        self.__dict__["has_events"] = False
        return self

    def lines(self) -> list[bytes]:
        """Each record's JSON, in order."""
        lines = self.payload.split(b"\n")
        lines.pop()  # the empty rest after the final newline
        return lines

    def after(self, seq: int) -> "Segment":
        """The part with the records after `seq`, or this segment if that is all of it. Level counts stay whole."""
        if seq < self.first_seq:
            return self
        if seq >= self.last_seq:
            raise ValueError(f"segment {self.first_seq}-{self.last_seq} of run {self.run_id} has nothing after {seq}")
        lines = self.lines()[seq + 1 - self.first_seq :]
        return self._cut(seq + 1, self.last_seq, b"\n".join(lines) + b"\n")

    def up_to(self, seq: int) -> "Segment":
        """The part with the records up to `seq` (inclusive), or this segment. Level counts stay whole."""
        if seq >= self.last_seq:
            return self
        if seq < self.first_seq:
            raise ValueError(f"segment {self.first_seq}-{self.last_seq} of run {self.run_id} has nothing up to {seq}")
        lines = self.lines()[: seq + 1 - self.first_seq]
        return self._cut(self.first_seq, seq, b"\n".join(lines) + b"\n")

    @cached_property
    def parts(self) -> tuple["Segment", ...]:
        """The same records in parts of at most 48 KiB or one record each, without level counts."""
        if len(self.payload) <= PART_BYTES:
            return (self,)
        parts: list[Segment] = []
        start, seq = 0, self.first_seq
        while start < len(self.payload):
            end = self.payload.rfind(b"\n", start, start + PART_BYTES) + 1
            if end == 0:
                end = self.payload.index(b"\n", start) + 1
            content = self.payload[start:end]
            last_seq = seq + content.count(b"\n") - 1
            parts.append(self._cut(seq, last_seq, content))
            start, seq = end, last_seq + 1
        return tuple(parts)

    @cached_property
    def sse(self) -> bytes:
        """As server-sent events, one per record. `id` is the seq, `event` the record's event or `log`."""
        # One format operation for the whole segment: a replay does little else. Most segments have no events.
        count, events = self.record_count, list(self._events())
        width = 3 if events else 2
        values: list[int | bytes] = [b"log"] * (width * count)
        values[0::width] = range(self.first_seq, self.last_seq + 1)
        values[width - 1 :: width] = self.lines()
        for index, event in events:
            values[3 * index + 1] = event
        return (_SSE_EVENT if events else _SSE_LOG) * count % tuple(values)

    @cached_property
    def sse_batch(self) -> bytes:
        """As one server-sent event `records` whose data is a JSON array."""
        return b"id: %d\nevent: records\ndata: [%b]\n\n" % (self.last_seq, self.payload[:-1].replace(b"\n", b","))

    @cached_property
    def sse_of_run(self) -> bytes:
        """As server-sent events of a stream of many runs: no `id`, and each record with its `run`."""
        count = self.record_count
        values: list[int | bytes] = [b"log", self.run_id, b""] * count
        for index, event in self._events():
            values[3 * index] = event
        values[2::3] = [line[1:] for line in self.lines()]
        return _SSE_EVENT_OF_RUN * count % tuple(values)

    def _cut(self, first_seq: int, last_seq: int, payload: bytes) -> "Segment":
        part = Segment(self.run_id, first_seq, last_seq, payload)
        return part if self.__dict__.get("has_events", True) else part.without_events()

    def _events(self) -> Iterator[tuple[int, bytes]]:
        """The records that tell something: the index of each, and its event."""
        if not self.has_events:
            return
        payload = self.payload
        index = line_start = 0
        found = payload.find(EVENT_MEMBER)
        while found >= 0:
            index += payload.count(b"\n", line_start, found)
            start = found + len(EVENT_MEMBER)
            yield index, payload[start : payload.index(b'"', start)]
            line_start = found
            found = payload.find(EVENT_MEMBER, start)


def join_segments(segments: Iterable[Segment]) -> Iterator[Segment]:
    """The same records in fewer segments, none above the limits of a segment (save one that was so already)."""
    pending: list[Segment] = []
    records = size = 0
    for segment in segments:
        full = records + segment.record_count > MAX_SEGMENT_RECORDS or size + len(segment.payload) > MAX_SEGMENT_BYTES
        if pending and full:
            yield _joined(pending)
            pending, records, size = [], 0, 0
        pending.append(segment)
        records += segment.record_count
        size += len(segment.payload)
    if pending:
        yield _joined(pending)


def _joined(segments: list[Segment]) -> Segment:
    if len(segments) == 1:
        return segments[0]
    return Segment(
        segments[0].run_id,
        segments[0].first_seq,
        segments[-1].last_seq,
        b"".join(segment.payload for segment in segments),
        sum((segment.level_counts for segment in segments), LevelCounts()),
    )
