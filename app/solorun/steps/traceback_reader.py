"""Finds the line that names an exception or a panic in what a program printed, in any of the common languages."""

import re
from collections.abc import Sequence
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, MatchKind

_TRACEBACK: Final = "Traceback (most recent call last):"
_IS_CAUSED: Final = "The above exception was the direct cause of"
_CAUSED_BY: Final = "Caused by: "
_CAUSE: Final = "  [cause]: "
_hints: Final = BytesAhoCorasick(
    [_TRACEBACK.encode(), _IS_CAUSED.encode(), _CAUSED_BY.encode(), _CAUSE.encode(), b"   at ", b"\tat ", b"\tfrom ",
     b"panicked at ", b"panic: ", b"fatal error: ", b"FAILED ", b"FAILED\x1b"],
    matchkind=MatchKind.LeftmostFirst,
)  # fmt: skip
"""Searches bytes, and with this kind, because both are several times faster than the alternatives."""
_GROUP: Final = re.compile(r"^ +(?:\+ Exception Group |\| )")
"""What comes before a line of an exception group."""
_FRAME: Final = re.compile(
    r"(?: {3,}|\t)(?:at (?:[^\s(]+\(.*\)|.*:\d+:\d+|.*\(<anonymous>\))|from \S+:\d+:in )",
)
"""Of JavaScript, Java, .NET and Ruby, which print the exception above its frames."""
_NAMES_EXCEPTION: Final = re.compile(r"(?:Exception in thread|Caused by:|[\w.$]*(?:Error|Exception)\b)")
_THREAD: Final = re.compile(r'Exception in thread "[^"]*" ')
_PANIC: Final = re.compile(r"panic: |fatal error: |thread '[^']*' panicked at '|FAILED \S+::")
"""Of Go, of Rust before 1.73, and of pytest's summary."""
_strip_colours: Final = re.compile(r"\x1b\[[0-9;:]*m").sub
_RUST_FRAMES: Final = "stack backtrace:"
_PANIC_ABOVE: Final = re.compile(r"thread '[^']*' (?:\(\d+\) )?panicked at .*:$")


class TracebackReader:
    """Reads the lines of one stream, whose tracebacks may be in several batches.

    `is_open`: the next line that is not indented names an exception.
    """

    def __init__(self, *, is_open: bool = False) -> None:
        self.is_open = is_open
        self._above = ""
        self._is_caused = False
        self._exception = ""
        self._cause = ""

    def last_exception(self, lines: Sequence[str]) -> str:
        """What the last of these lines that names an exception says; an empty string if none does."""
        if not self.is_open and not _hints.find_matches_as_indexes("\n".join(lines).encode()):
            self._note(next((line for line in reversed(lines) if line.strip()), ""))
            return ""
        return next(filter(None, reversed([self.exception_in(line) for line in lines])), "")

    def exception_in(self, line: str) -> str:
        """The exception that this line completes, with its first cause; else an empty string."""
        if "\x1b" in line:
            line = _strip_colours("", line)
        if line[:1] in ("", " ", "\t"):
            bare = _GROUP.sub("", line)
            if bare == line:
                return self._exception_above(line)
            line = bare
        if line.startswith(_TRACEBACK) or _PANIC_ABOVE.match(line):
            self.is_open = True
        elif line.startswith(_CAUSED_BY) and self._exception:
            return self._conclude_cause(line.removeprefix(_CAUSED_BY))
        elif line[:1] in ("", " ", "\t"):
            return ""
        elif self.is_open or _PANIC.match(line):
            self.is_open = False
            return self._conclude(line)
        elif line.startswith(_IS_CAUSED):
            self._is_caused = True
        else:
            self._note(line)
        return ""

    def _exception_above(self, line: str) -> str:
        """If this indented line is the first of some frames, or names a cause."""
        if self._above and _FRAME.match(line):
            above, self._above = self._above, ""
            return self._conclude(above)
        _, found, cause = line.partition(_CAUSE)
        return self._conclude_cause(cause) if found and self._exception else ""

    def _note(self, line: str) -> None:
        """Frames may follow. The lines of a long message do not replace the one that names the exception."""
        if line[:1] in ("", " ", "\t") or line == _RUST_FRAMES:
            return
        if _NAMES_EXCEPTION.match(line) or not _NAMES_EXCEPTION.match(self._above):
            self._above = line

    def _conclude(self, exception: str) -> str:
        self._cause = (self._cause or self._exception) if self._is_caused else ""
        self._is_caused = False
        self._exception = _THREAD.sub("", exception)
        return self._sentence()

    def _conclude_cause(self, cause: str) -> str:
        self._cause, self._above = cause, ""
        return self._sentence()

    def _sentence(self) -> str:
        # A cause without a message, such as CancelledError, says less than what came of it.
        return f"{self._exception} (caused by {self._cause})" if ": " in self._cause else self._exception
