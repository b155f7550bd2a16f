"""Joins the records of a line: text that was printed in pieces, or that is longer than a record."""

from typing import Final

from solorun.record import Event, Record, Stream
from solorun.status import StepStatus
from solorun.text.terminal import RawLine, TerminalLine, visible_text

MAX_LINE_CHARACTERS: Final = 1024 * 1024
"""A longer line is split, so that it does not fill the memory."""

_Source = tuple[str | None, Stream]
Line = tuple[Record, str]
"""The last record of a line, and the line's text."""


class LineJoiner:
    """Returns whole lines, in the order in which they end, as a terminal shows them.

    Lines of several steps and streams may be unfinished at the same time; they end with their step. `colour`: keep
    colours and styles. `raw`: keep all control characters and do not obey them.
    """

    def __init__(self, *, colour: bool = False, raw: bool = False) -> None:
        self._colour = colour
        self._raw = raw
        self._unfinished: dict[_Source, tuple[Record, TerminalLine]] = {}

    def add(self, record: Record) -> list[Line]:
        """Add the next record and return the lines that it completes."""
        source = record.step, record.stream
        if record.event is Event.STEP and (record.data or {}).get("status") != StepStatus.RUNNING:
            ended = self._end([source for source in self._unfinished if source[0] == record.step])
            return [*ended, (record, self._show(record.message))]
        if record.event is not None or not (record.partial or source in self._unfinished):
            return [(record, self._show(record.message))]
        _, line = self._unfinished.get(source) or (record, self._open())
        line.write(record.message)
        self._unfinished[source] = record, line
        return [] if record.partial and len(line) < MAX_LINE_CHARACTERS else self._end([source])

    def finish(self) -> list[Line]:
        """Return the lines that are unfinished when the log ends."""
        return self._end(list(self._unfinished))

    @property
    def unfinished(self) -> list[Line]:
        """The lines so far that continue in later records."""
        return [(record, line.text) for record, line in self._unfinished.values()]

    def _show(self, message: str) -> str:
        return message if self._raw else visible_text(message, colour=self._colour)

    def _open(self) -> TerminalLine:
        return RawLine() if self._raw else TerminalLine(colour=self._colour)

    def _end(self, sources: list[_Source]) -> list[Line]:
        return [(record, line.text) for record, line in map(self._unfinished.pop, sources)]
