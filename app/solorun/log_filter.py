"""Selects the records of a segment by level, step, stream, text and event, for log pages and for downloads alike."""

from collections.abc import Collection
from typing import Final

import msgspec

from solorun.record import Event, Level, Stream
from solorun.segment import Segment
from solorun.text_search import TextSearch

_ALL_LEVELS: Final = frozenset(Level)


class _Entry(msgspec.Struct, gc=False):
    """The members of a record that filters look at."""

    seq: int
    level: Level
    step: str | None
    stream: Stream
    message: str
    event: Event | None = None
    partial: bool = False


_decode_entries = msgspec.json.Decoder(_Entry).decode_lines


class LogFilter:
    """Selects records of at least this level, of this step and stream, that end this text, with one of these events.

    None, an empty `text` and empty `events` select every record. Takes the segments of a log in order.
    """

    def __init__(
        self,
        *,
        level: Level | None = None,
        step: str | None = None,
        stream: Stream | None = None,
        text: str | None = None,
        events: Collection[Event] = (),
    ) -> None:
        self.levels = level.at_least if level else _ALL_LEVELS
        self.events = frozenset(events)
        self._step = step
        self._stream = stream
        self._search = TextSearch(text) if text else None
        self.selects_everything = self.levels == _ALL_LEVELS and not (step is not None or stream or text or events)

    def select(self, segment: Segment) -> list[tuple[int, bytes]]:
        """The seq and the JSON of each selected record, in order."""
        if self.selects_everything:
            return list(enumerate(segment.lines(), segment.first_seq))
        if self.events and not segment.has_events:
            return []
        payload = segment.payload if self._search is None else self._search.narrow(segment)
        entries = self._narrow(_decode_entries(payload))
        lines = segment.lines() if entries else []
        return [(entry.seq, lines[entry.seq - segment.first_seq]) for entry in entries]

    def _narrow(self, entries: list[_Entry]) -> list[_Entry]:
        # A list per criterion takes less time than a call per entry.
        if self._step is not None:
            entries = [entry for entry in entries if entry.step == self._step]
        if self._stream is not None:
            entries = [entry for entry in entries if entry.stream is self._stream]
        if self._search is not None:
            entries = self._search.find(entries)
        if self.levels != _ALL_LEVELS:
            entries = [entry for entry in entries if entry.level in self.levels]
        if self.events:
            entries = [entry for entry in entries if entry.event in self.events]
        return entries
