"""Renders a log as plain text: one line per line of output."""

from collections.abc import Iterable

from solorun.line_joiner import Line
from solorun.record import Record


def render_lines(lines: Iterable[Line]) -> bytes:
    """These lines as UTF-8, each after its time, level and step."""
    return "".join(f"{_prefix(record)}{text}\n" for record, text in lines).encode()


def _prefix(record: Record) -> str:
    time = record.time.isoformat(timespec="milliseconds")
    return f"{time[:23]}Z {record.level.value:<7} {record.step or 'solorun'}: "
