"""Writes text, tables and JSON to a terminal, with or without colours, or to a pipe."""

import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from solorun.cli.render.formatting import format_cell, head_times
from solorun.cli.render.sanitize import BIDIRECTIONAL_CONTROLS, sanitize
from solorun.status import Status
from solorun.wire.encoding import encode

T = TypeVar("T")
Cell = str | datetime

STATUS_STYLES: Final[dict[str, str]] = {
    Status.PENDING: "yellow",
    Status.RUNNING: "cyan",
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "magenta",
    Status.INTERRUPTED: "yellow",
    "skipped": "dim",
}
"""The rich style of each status of a run or step."""

_UNSAFE_IN_JSON: Final = re.compile(rf"[\x7f-\x9f{BIDIRECTIONAL_CONTROLS}]")


def prepare_output() -> None:
    """Replace characters that the output's encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def is_terminal() -> bool:
    """Whether stdout is a terminal that understands escape sequences."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def has_colour() -> bool:
    """Whether to use colours: on a terminal, unless NO_COLOR (no-color.org) is set."""
    return is_terminal() and not os.environ.get("NO_COLOR")


def write(text: str) -> None:
    """Write lines and flush, so that live output is not buffered."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write_json(values: Iterable[object]) -> None:
    """Write values as JSON, one per line. On a terminal, characters that could control it are escaped."""
    text = b"".join(encode(value) + b"\n" for value in values).decode()
    write(escape_json(text) if sys.stdout.isatty() else text)


def write_result(result: object, text: str, *, json: bool) -> None:
    """Write what a command has done: as text, or as JSON."""
    if json:
        write_json([result])
    else:
        write(f"{text}\n")


def write_list(
    found: Sequence[T], headings: Sequence[str], row: Callable[[T], Sequence[Cell]], *, none: str, json: bool
) -> None:
    """Write a table, or as JSON one value per line. `none` stands for an empty table."""
    if json:
        write_json(found)
    elif found:
        write_table(headings, [row(each) for each in found])
    else:
        write(f"{none}\n")


def escape_json(text: str) -> str:
    """The same JSON with DEL, C1 and bidirectional controls as escapes. JSON itself escapes only U+0000 to U+001F."""
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write_table(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Write a table: with rich on a terminal, in plain columns elsewhere. Statuses are coloured.

    Times are local, and the heading of their column names the time zone.
    """
    headings = [head_times(heading, (row[i] for row in rows)) for i, heading in enumerate(headings)]
    cells = [[format_cell(cell) if isinstance(cell, datetime) else sanitize(cell) for cell in row] for row in rows]
    if not is_terminal():
        widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
        for row in [headings, *cells]:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            sys.stdout.write(line.rstrip() + "\n")
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in cells:
        table.add_row(*[Text(cell, style=STATUS_STYLES.get(cell, "")) for cell in row])
    Console(highlight=False).print(table)
