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
            lines = list(self._find_candidates(segment.payload))
            entries = _decode_entries(b"\n".join(lines))
            return [(entry.seq, line) for entry, line in zip(entries, lines, strict=True) if self._matches(entry)]
        entries = _decode_entries(segment.payload)
        indexes = [index for index, entry in enumerate(entries) if self._matches(entry)]
        lines = segment.lines() if indexes else []
        return [(entries[index].seq, lines[index]) for index in indexes]

    def _matches(self, entry: _Entry) -> bool:
        return (
            entry.level in self.levels
            and (self._step is None or entry.step == self._step)
            and (not self.events or entry.event in self.events)
            and (not self._text or self._text in entry.message.casefold())
        )

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
