"""Finds the line of a command's output that says best why it failed."""

import re
from collections.abc import Sequence
from typing import Final

from ahocorasick_rs import BytesAhoCorasick

from solorun.record import Stream
from solorun.terminal_text import visible_text

_TRACEBACK: Final = "Traceback (most recent call last):"
_find_traceback: Final = BytesAhoCorasick([_TRACEBACK.encode()]).find_matches_as_indexes
"""Several times faster than the search of a text."""
_GROUP: Final = re.compile(r"^ +(?:\+ Exception Group |\| )")
"""What comes before a line of an exception group."""


class TellingLine:
    """Watches the output while it is read. Keeps a few lines, as the command printed them: mask what you take."""

    def __init__(self) -> None:
        self._exception = ""
        self._error = ""
        self._last: dict[Stream, str] = {}
        self._in_traceback: set[Stream] = set()

    def add_lines(self, stream: Stream, lines: Sequence[str]) -> None:
        last = next((line for line in reversed(lines) if line.strip()), None)
        if last is not None:
            self._last[stream] = last
        if stream in self._in_traceback or _find_traceback("\n".join(lines).encode()):
            self._find_exception(stream, lines)

    def add_error(self, text: str) -> None:
        """Add the text of an `::error::`."""
        self._error = text or self._error

    @property
    def text(self) -> str:
        """The last exception of a traceback, else the last `::error::`, else the last line of stderr or stdout."""
        best = self._exception or self._error or self._last.get(Stream.STDERR) or self._last.get(Stream.STDOUT, "")
        return visible_text(best).strip()

    def _find_exception(self, stream: Stream, lines: Sequence[str]) -> None:
        for printed in lines:
            line = _GROUP.sub("", printed)
            if line.startswith(_TRACEBACK):
                self._in_traceback.add(stream)
            elif stream in self._in_traceback and line[:1] not in ("", " ", "\t"):
                self._exception = line
                self._in_traceback.remove(stream)
