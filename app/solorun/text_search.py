"""Finds text in the lines of a log as a terminal shows them: across records, and not in escape sequences."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import Final, Protocol, TypeVar
from unicodedata import normalize

from solorun.record import Event, Stream
from solorun.segment import Segment
from solorun.terminal_text import visible_text

MAX_LINE_CHARACTERS: Final = 4096
"""How much of a line that continues in the next record is searched together with it."""

# The last member. A line's end is never inside a string.
_PARTIAL: Final = b',"partial":true}\n'
_MESSAGE: Final = b'"message":"'
_COLOUR: Final = b"\\u001b["
_COLOUR_CHARACTERS: Final = b"\\u01b[23456789;:mKk"
_LOWER: Final = bytes(range(256)).lower()
# Where these are without effect: see terminal_text.py.
_strip_starts: Final = re.compile(rb'("message":")(?:\\r|\\u001b\[(?:[0-2]?K|[01]?G))+').sub
# Not after a backslash, which may be the first half of an escaped one.
_strip_colours: Final = re.compile(rb"\\u001b\[(?<!\\\\u001b\[)(?:[0-9;:]*m|0?K)").sub
# Control characters in JSON, except those of colours: after an even number of backslashes.
_ESCAPED: Final = rb"\\(?<!\\\\)(?:\\\\)*+(?:[bfnr]|u00(?!1b\[(?:[0-9;:]*m|0?K)))"
_find_escaped: Final = re.compile(_ESCAPED).search
_find_control: Final = re.compile(rb"\x7f|\xc2[\x80-\x9f]|" + _ESCAPED).search


class Entry(Protocol):
    """The members of a record that a search looks at."""

    step: str | None
    stream: Stream
    message: str
    event: Event | None
    partial: bool


_is_partial: Final = attrgetter("partial")
E = TypeVar("E", bound=Entry)


def fold(text: str) -> str:
    """The text for a comparison that ignores case and how accents are composed."""
    return text.lower() if text.isascii() else normalize("NFC", text.casefold())


class TextSearch:
    """Finds the records in which the text ends. Takes the segments of a log in order."""

    def __init__(self, text: str) -> None:
        self._text = fold(text)
        # JSON escapes each character separately, so an escaped message contains the escaped form of each of its parts.
        self._escaped = json.dumps(self._text, ensure_ascii=False)[1:-1].encode(errors="surrogatepass")
        self._colourless = self._escaped.translate(None, _COLOUR_CHARACTERS)
        self._characters = frozenset(self._escaped) - frozenset(b" \\")
        self._may_compose = normalize("NFC", f"t{self._text}")[0] != "t"
        """Whether it begins with an accent, which would change the last character of an escaped tab."""
        self._unfinished: dict[tuple[str | None, Stream], str] = {}
        """The lines that continue in the next record of their step and stream."""
        self._next_seq = 0

    def narrow(self, segment: Segment) -> bytes:
        """The NDJSON of the records that have to be decoded."""
        if segment.first_seq != self._next_seq:
            self._unfinished.clear()
        self._next_seq = segment.last_seq + 1
        payload = segment.payload
        is_ascii = payload.isascii()
        if self._unfinished or _PARTIAL in payload or (self._may_compose and not is_ascii):
            return payload
        indexes = {index for index, _ in self._lines_with_text(payload, is_ascii)}
        # Control characters decide what is visible of a line, and only moves of the cursor add to it: spaces.
        indexes.update(
            index
            for index, line in _lines_with_controls(payload)
            if not is_ascii or all(map(line.lower().partition(_MESSAGE)[2].__contains__, self._characters))
        )
        lines = segment.lines() if indexes else []
        return b"\n".join(lines[index] for index in sorted(indexes))

    def find(self, entries: Sequence[E]) -> list[E]:
        """The entries in which the text ends, of those in the next segment."""
        text = self._text
        if not self._unfinished and not any(map(_is_partial, entries)):
            return [entry for entry in entries if text in fold(visible_text(entry.message))]
        return [entry for entry in entries if self._ends_in(entry)]

    def _lines_with_text(self, payload: bytes, is_ascii: bool) -> Iterator[tuple[int, bytes]]:
        """The lines that contain the text in any member, regardless of colours, and some others."""
        has_colours = b"\\" in payload and _COLOUR in payload  # A single character is found faster.
        if has_colours and is_ascii and len(self._colourless) > 2:
            plain, wanted = payload.translate(_LOWER, _COLOUR_CHARACTERS), self._colourless
        else:
            plain = _strip_colours(b"", payload) if has_colours else payload
            plain, wanted = plain.lower() if is_ascii else fold(plain.decode()).encode(), self._escaped
        return _lines_at(partial(plain.find, wanted), plain)

    def _ends_in(self, entry: Entry) -> bool:
        source = entry.step, entry.stream
        if entry.event is Event.STEP:
            self._unfinished = {key: line for key, line in self._unfinished.items() if key[0] != entry.step}
        before = self._unfinished.pop(source, "") if entry.event is None else ""
        line = before + entry.message
        if entry.partial:
            self._unfinished[source] = line[-MAX_LINE_CHARACTERS:]
        shown, earlier = fold(visible_text(line)), fold(visible_text(before))
        new = max(0, len(earlier) - len(self._text) + 1) if shown.startswith(earlier) else 0
        return shown.find(self._text, new) >= 0


def _lines_with_controls(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines with control characters that are not part of a colour."""
    has_others = b"\x7f" in payload or b"\xc2" in payload
    if not has_others and b"\\" not in payload:
        return iter(())
    search = _find_control if has_others else _find_escaped
    if not search(payload):
        return iter(())
    payload = _strip_starts(rb"\1", payload)

    def find(start: int) -> int:
        found = search(payload, start)
        return found.start() if found else -1

    return _lines_at(find, payload)


def _lines_at(find: Callable[[int], int], payload: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that contain what `find` finds after a position, each with its index."""
    index = start = 0
    found = find(0)
    while found >= 0:
        index += payload.count(b"\n", start, found)
        end = payload.index(b"\n", found)
        yield index, payload[payload.rfind(b"\n", 0, found) + 1 : end]
        index, start = index + 1, end + 1
        found = find(start)
