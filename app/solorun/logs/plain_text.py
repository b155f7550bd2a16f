"""Renders a log as plain text: one line per record, with `partial` records joined into one line."""

from collections.abc import Iterable
from typing import Final

from solorun.record import Event, Record
from solorun.status import StepStatus

MAX_WAITING_CHARACTERS: Final = 1024 * 1024

_Line = tuple[str | None, str]


class PlainTextRenderer:
    """Renders records in order, in bounded memory.

    While a line is unfinished, records of other steps and streams wait behind it. When more than a megabyte waits, or
    the line's step has ended, the line ends where it is.
    """

    def __init__(self) -> None:
        self._unfinished: _Line | None = None
        self._waiting: list[Record] = []
        self._waiting_characters = 0

    def add(self, records: Iterable[Record]) -> bytes:
        """The text that these records complete, as UTF-8."""
        out: list[str] = []
        for record in records:
            self._add(record, out)
        return "".join(out).encode()

    def finish(self) -> bytes:
        """The rest of the text, as UTF-8."""
        out: list[str] = []
        while self._unfinished is not None:
            self._end_line(out)
        return "".join(out).encode()

    def _add(self, record: Record, out: list[str]) -> None:
        line = (record.step, record.stream.value)
        if self._unfinished is None:
            out.append(_prefix(record))
            self._go_on(record, line, out)
        elif self._unfinished == line:
            self._go_on(record, line, out)
        else:
            self._waiting.append(record)
            self._waiting_characters += len(record.message)
            if self._waiting_characters > MAX_WAITING_CHARACTERS or _ends_step(record, self._unfinished[0]):
                self._end_line(out)

    def _go_on(self, record: Record, line: _Line, out: list[str]) -> None:
        out.append(record.message)
        if record.partial:
            self._unfinished = line
        else:
            self._end_line(out)

    def _end_line(self, out: list[str]) -> None:
        out.append("\n")
        self._unfinished = None
        waiting, self._waiting, self._waiting_characters = self._waiting, [], 0
        for record in waiting:
            self._add(record, out)


def _prefix(record: Record) -> str:
    time = record.time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{time}Z {record.level.value:<7} {record.step or 'solorun'}: "


def _ends_step(record: Record, step: str | None) -> bool:
    return (
        record.event is Event.STEP
        and record.step == step
        and record.data is not None
        and record.data.get("status") != StepStatus.RUNNING
    )
