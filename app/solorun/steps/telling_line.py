"""Finds the line of a command's output that says best why it failed."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from solorun.record import Stream
from solorun.steps.traceback_reader import TracebackReader
from solorun.text.terminal import visible_text

_EPILOGUE: Final = re.compile(
    r"\s*$|Node\.js v\d|\(Use `node --trace|note: |exit status \d+$|make(?:\[\d+\])?: \*\*\* \[.*\] Error \d"
    r"|npm (?:ERR!|error) A complete log of this run|(?:Try|Run|Use) ['`][^'`]+ (?:--help|-h)['`] for "
)
"""What comes after the reason: blank lines, hints, and programs that repeat how another one ended."""


class TellingLine:
    """Watches the output while it is read. Keeps a few lines, as the command printed them: mask what you take."""

    def __init__(self) -> None:
        self._exception = ""
        self._error = ""
        self._last: dict[Stream, str] = {}
        self._tracebacks: defaultdict[Stream, TracebackReader] = defaultdict(TracebackReader)

    def add_lines(self, stream: Stream, lines: Sequence[str]) -> None:
        last = next((line for line in reversed(lines) if not _EPILOGUE.match(line)), None)
        if last is not None:
            self._last[stream] = last
        self._exception = self._tracebacks[stream].last_exception(lines) or self._exception

    def add_error(self, text: str) -> None:
        self._error = text or self._error

    @property
    def text(self) -> str:
        """The last exception or panic, else the last `::error::`, else the last line of stderr or stdout."""
        best = self._exception or self._error or self._last.get(Stream.STDERR) or self._last.get(Stream.STDOUT, "")
        return visible_text(best).strip()
