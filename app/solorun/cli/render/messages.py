"""Prints errors and notes on stderr: as text for people, or with --json as one JSON object per line."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import escape_json
from solorun.wire.encoding import encode

_as_json: Final = ContextVar("_as_json", default=False)


@contextmanager
def messages_as_json(wanted: bool) -> Iterator[None]:
    """Print messages as JSON within this block, if `wanted`."""
    token = _as_json.set(wanted)
    try:
        yield
    finally:
        _as_json.reset(token)


def print_error(text: str, **members: Any) -> None:
    """Print why the command failed, in red on a terminal. `members` are added to the JSON object."""
    if _as_json.get():
        _print_json({"error": {"message": text, **members}})
        return
    text = sanitize(text, lines=True)
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        text = f"\x1b[31m{text}\x1b[0m"
    _print(text)


def print_note(text: str) -> None:
    """Print a note about the command itself, apart from its output."""
    if _as_json.get():
        _print_json({"note": text})
    else:
        _print(sanitize(text, lines=True))


def _print_json(document: dict[str, Any]) -> None:
    _print(escape_json(encode(document).decode()))


def _print(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        # Nothing is left to report it on: the reader is gone, or the disk is full. The exit code still says it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
