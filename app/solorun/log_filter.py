"""Selects the records of a segment by level, step, text and event, for log pages and for downloads alike."""

from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from solorun.record import Event, Level
from solorun.segment import Segment

_ALL_LEVELS: Final = frozenset(Level)


class _Entry(msgspec.Struct, gc=False):
    """The members of a record that filters look at."""

    seq: int
    level: Level
    step: str | None
    message: str
    event: Event | None = None


_decode_entries = msgspec.json.Decoder(_Entry).decode_lines


class LogFilter:
    """Selects records of at least this level, of this step, with this text in their message and one of these events.

    None, an empty `text` and empty `events` select every record. Messages are compared by `str.casefold`.
    """

    def __init__(
        self,
        *,
        level: Level | None = None,
        step: str | None = None,
        text: str | None = None,
        events: Collection[Event] = (),
    ) -> None:
        self.levels = level.at_least if level else _ALL_LEVELS
        self.events = frozenset(events)
        self._step = step
        self._text = (text or "").casefold()
        self.selects_everything = self.levels == _ALL_LEVELS and step is None and not text and not events

    def select(self, segment: Segment) -> list[tuple[int, bytes]]:
        """The seq and the JSON of each selected record, in order."""
        if self.selects_everything:
            return list(enumerate(segment.lines(), segment.first_seq))
        if self.events and not segment.has_events:
            return []
        if self._text and segment.payload.isascii():
            candidates = list(self._find_candidates(segment.payload))
            entries = _decode_entries(b"\n".join(candidates))
            by_seq = dict(zip((entry.seq for entry in entries), candidates, strict=True))
            return [(entry.seq, by_seq[entry.seq]) for entry in self._narrow(entries)]
        entries = self._narrow(_decode_entries(segment.payload))
        lines = segment.lines() if entries else []
        return [(entry.seq, lines[entry.seq - segment.first_seq]) for entry in entries]

    def _narrow(self, entries: list[_Entry]) -> list[_Entry]:
        # A list per criterion takes less time than a call per entry.
        if self.levels != _ALL_LEVELS:
            entries = [entry for entry in entries if entry.level in self.levels]
        if self._step is not None:
            entries = [entry for entry in entries if entry.step == self._step]
        if self.events:
            entries = [entry for entry in entries if entry.event in self.events]
        if self._text:
            entries = [entry for entry in entries if self._text in entry.message.casefold()]
        return entries

    def _find_candidates(self, payload: bytes) -> Iterator[bytes]:
        """The lines of an ASCII payload that contain the text in any member.

        JSON escapes each character separately, so an escaped message contains the escaped form of each of its parts.
        """
        if not self._text.isascii():
            return
        wanted, lowered = msgspec.json.encode(self._text)[1:-1].lower(), payload.lower()
        position = lowered.find(wanted)
        while position >= 0:
            end = lowered.find(b"\n", position)
            yield payload[lowered.rfind(b"\n", 0, position) + 1 : end]
            position = lowered.find(wanted, end)
