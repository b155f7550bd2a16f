"""Finds text in the lines of a log as a terminal shows them: across records, and not in escape sequences."""

import re
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final, Protocol, TypeVar
from unicodedata import normalize

import msgspec

from solorun.record import Event, Stream
from solorun.segment import Segment
from solorun.terminal_text import visible_text

MAX_LINE_CHARACTERS: Final = 4096
"""How much of a line that continues in the next record is searched together with it."""

# The last member. A line's end is never inside a string.
_PARTIAL: Final = b',"partial":true}\n'
_COLOUR: Final = b"\\u001b["
# Not after a backslash, which may be the first half of an escaped one.
_strip_colours: Final = re.compile(rb"\\u001b\[(?<!\\\\u001b\[)[0-9;:]*m").sub
# The control characters of a string in JSON. An escaped backslash is matched too, so that it is not taken for one.
_escapes: Final = re.compile(rb"\\(?:\\|[bfnr]|u00)").finditer


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
        self._unfinished: dict[tuple[str | None, Stream], str] = {}
        """The lines that continue in the next record of their step and stream."""
        self._next_seq = 0

    def narrow(self, segment: Segment) -> bytes:
        """The NDJSON of the records that have to be decoded."""
        if segment.first_seq != self._next_seq:
            self._unfinished.clear()
        self._next_seq = segment.last_seq + 1
        payload = segment.payload
        if self._unfinished or _PARTIAL in payload or b"\x7f" in payload or not payload.isascii():
            return payload
        has_escapes = b"\\" in payload  # Faster to find than a sequence, and rare.
        if has_escapes and _COLOUR in payload:
            payload = _strip_colours(b"", payload)
        starts = set(self._find_text(payload))
        if has_escapes:
            starts.update(_find_controls(payload))
        return b"\n".join(_lines_at(sorted(starts), payload, segment.lines())) if starts else b""

    def find(self, entries: Sequence[E]) -> list[E]:
        """The entries in which the text ends, of those in the next segment."""
        text = self._text
        if not self._unfinished and not any(map(_is_partial, entries)):
            return [entry for entry in entries if text in fold(visible_text(entry.message))]
        return [entry for entry in entries if self._ends_in(entry)]

    def _find_text(self, payload: bytes) -> Iterator[int]:
        """Where the lines of an ASCII payload begin that contain the text in any member.

        JSON escapes each character separately, so an escaped message contains the escaped form of each of its parts.
        """
        if not self._text.isascii():
            return
        wanted, lowered = msgspec.json.encode(self._text)[1:-1].lower(), payload.lower()
        position = lowered.find(wanted)
        while position >= 0:
            yield lowered.rfind(b"\n", 0, position) + 1
            position = lowered.find(wanted, lowered.index(b"\n", position))

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


def _find_controls(payload: bytes) -> Iterator[int]:
    """Where the lines begin that contain control characters."""
    for found in _escapes(payload):
        if found[0] != b"\\\\":
            yield payload.rfind(b"\n", 0, found.start()) + 1


def _lines_at(starts: list[int], payload: bytes, lines: list[bytes]) -> Iterator[bytes]:
    """The lines that begin at these positions of a payload, whose own may lack colours."""
    index = position = 0
    for start in starts:
        index += payload.count(b"\n", position, start)
        position = start
        yield lines[index]
