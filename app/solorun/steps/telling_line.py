"""Finds the line of a command's output that says best why it failed."""

import re
from collections import defaultdict
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


class TracebackReader:
    """Reads the lines of one stream and finds those that name an exception, at the end of a traceback."""

    def __init__(self, *, is_open: bool = False) -> None:
        self.is_open = is_open

    def exception_in(self, line: str) -> str:
        """The line without the margin of an exception group, if it names an exception; else an empty string."""
        bare = _GROUP.sub("", line)
        if bare.startswith(_TRACEBACK):
            self.is_open = True
        elif self.is_open and bare[:1] not in ("", " ", "\t"):
            self.is_open = False
            return bare
        return ""


class TellingLine:
    """Watches the output while it is read. Keeps a few lines, as the command printed them: mask what you take."""

    def __init__(self) -> None:
        self._exception = ""
        self._error = ""
        self._last: dict[Stream, str] = {}
        self._tracebacks: defaultdict[Stream, TracebackReader] = defaultdict(TracebackReader)

    def add_lines(self, stream: Stream, lines: Sequence[str]) -> None:
        last = next((line for line in reversed(lines) if line.strip()), None)
        if last is not None:
            self._last[stream] = last
        traceback = self._tracebacks[stream]
        if traceback.is_open or _find_traceback("\n".join(lines).encode()):
            for line in lines:
                self._exception = traceback.exception_in(line) or self._exception

    def add_error(self, text: str) -> None:
        """Add the text of an `::error::`."""
        self._error = text or self._error

    @property
    def text(self) -> str:
        """The last exception of a traceback, else the last `::error::`, else the last line of stderr or stdout."""
        best = self._exception or self._error or self._last.get(Stream.STDERR) or self._last.get(Stream.STDOUT, "")
        return visible_text(best).strip()
