"""Where the output goes: a terminal with colours and bars, a terminal without, or a pipe; and tables and JSON on it."""

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from solorun.cli.render.sanitize import sanitize
from solorun.status import Status

STATUS_STYLES = {
    Status.PENDING: "yellow",
    Status.RUNNING: "cyan",
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "magenta",
    Status.INTERRUPTED: "yellow",
    "skipped": "dim",
}
"""The colour of each status of a run and of a step, for rich."""


def prepare_output() -> None:
    """Let no character of a log end the command: what the terminal's encoding lacks is replaced."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def is_terminal() -> bool:
    """Whether stdout is a terminal that can do more than print."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def has_colour() -> bool:
    """Whether colours are welcome: on a terminal, unless NO_COLOR (no-color.org) is set."""
    return is_terminal() and not os.environ.get("NO_COLOR")


def write(text: str) -> None:
    """Write lines, at once: who watches live must not wait for a buffer."""
    sys.stdout.write(text)
    sys.stdout.flush()


def print_note(text: str) -> None:
    """Say something about the command itself on stderr, where it is in nobody's way."""
    print(sanitize(text, lines=True), file=sys.stderr, flush=True)


def write_json(document: bytes) -> None:
    """Write one JSON document on a line of its own."""
    write(document.decode() + "\n")


def write_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table: rich on a terminal, columns of spaces elsewhere. A cell that is a status gets its colour."""
    cells = [[sanitize(cell) for cell in row] for row in rows]
    if is_terminal():
        _write_rich_table(headings, cells)
        return
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    for row in [headings, *cells]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")


def _write_rich_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*[Text(cell, style=_style_of(cell)) for cell in row])
    Console(highlight=False).print(table)


def _style_of(cell: str) -> str:
    with contextlib.suppress(KeyError):
        styles: dict[Any, str] = STATUS_STYLES
        return styles[cell]
    return ""
