"""Selects the records of a log by level, step, attempt, stream, text and event, for pages and for downloads alike."""

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from solorun.record import Event, Level, Stream
from solorun.run import MAX_RUN_ID, Attempt, Run, RunStep
from solorun.segment import Segment
from solorun.text.pattern import PLAIN, SearchOptions
from solorun.text.search import Entry, TextSearch

_ALL_LEVELS: Final = frozenset(Level)


_decode_entries: Final = msgspec.json.Decoder(Entry).decode_lines


def find_range(run: Run, step: str | None, attempt: int | None = None) -> tuple[int, int]:
    """The seqs (first exclusive, last inclusive) that contain all records of a step, or of one of its attempts."""
    if step is None:
        return 0, run.last_seq
    for of in [of for each in run.steps if each.name == step for of in _attempts_of(each, attempt)]:
        first = 0 if of.first_seq is None else of.first_seq - 1
        return first, of.last_seq if of.status.has_ended and of.last_seq else run.last_seq
    return 0, 0


def _attempts_of(step: RunStep, number: int | None) -> Sequence[RunStep | Attempt]:
    if number is None or (number == 1 and not step.attempts):
        return [step]
    return [attempt for attempt in step.attempts if attempt.number == number]


class LogFilter:
    """Selects records of at least this level, of this step and stream, that end this text, with one of these events.

    None, an empty `text` and empty `events` select every record. `after` (exclusive) and `upto` bound their seqs. Takes
    the segments of a log in order. Raises InvalidPattern.
    """

    def __init__(
        self,
        *,
        level: Level | None = None,
        step: str | None = None,
        stream: Stream | None = None,
        text: str | None = None,
        options: SearchOptions = PLAIN,
        events: Collection[Event] = (),
        after: int = 0,
        upto: int = MAX_RUN_ID,
    ) -> None:
        self.levels = level.at_least if level else _ALL_LEVELS
        self.events = frozenset(events)
        self._step = step
        self._after, self._upto = after, upto
        self._stream = stream
        self._search = TextSearch(text, options) if text else None
        self.is_slow: Final = bool(text) and options.regex
        """Whether it may take a second for a segment, as some regular expressions do."""
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
        return [
            (entry.seq, lines[entry.seq - segment.first_seq])
            for entry in entries
            if self._after < entry.seq <= self._upto
        ]

    def _narrow(self, entries: list[Entry]) -> list[Entry]:
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
