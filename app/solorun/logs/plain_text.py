"""Renders a log as plain text: one line per line of output, without escape sequences unless they are wanted."""

from collections.abc import Iterable
from itertools import chain

from solorun.line_joiner import Line, LineJoiner
from solorun.record import Record


class PlainTextRenderer:
    """Renders records in order, in bounded memory. `raw` keeps the bytes that the steps printed."""

    def __init__(self, *, raw: bool = False) -> None:
        self._joiner = LineJoiner(raw=raw)

    def add(self, records: Iterable[Record]) -> bytes:
        """The lines that these records complete, as UTF-8."""
        return _render(chain.from_iterable(map(self._joiner.add, records)))

    def finish(self) -> bytes:
        """The rest of the text, as UTF-8."""
        return _render(self._joiner.finish())


def _render(lines: Iterable[Line]) -> bytes:
    return "".join(f"{_prefix(record)}{text}\n" for record, text in lines).encode()


def _prefix(record: Record) -> str:
    time = record.time.isoformat(timespec="milliseconds")
    return f"{time[:23]}Z {record.level.value:<7} {record.step or 'solorun'}: "
