"""Finds text in the lines of a log as a terminal shows them: across records, and not in escape sequences."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import compress
from operator import attrgetter
from typing import Final
from unicodedata import normalize

import msgspec
from ahocorasick_rs import BytesAhoCorasick, MatchKind

from solorun.record import Event, Level, Stream
from solorun.segment import Segment
from solorun.text.folding import find_sources, fold
from solorun.text.pattern import PLAIN, SearchOptions, matcher_of
from solorun.text.terminal import visible_text

MAX_LINE_CHARACTERS: Final = 4096
"""How much of a line that continues in the next record is searched together with it."""

# These search twenty times faster than `bytes.find`.
# The last member. A line's end is never inside a string.
_find_partial: Final = BytesAhoCorasick([b',"partial":true}\n']).find_matches_as_indexes
# Control characters in JSON, and what looks like one after an escaped backslash.
_find_escape: Final = BytesAhoCorasick([rb"\b", rb"\f", rb"\n", rb"\r", rb"\u00"]).find_matches_as_indexes
_MESSAGE: Final = b'"message":"'
_COLOUR: Final = b"\\u001b["
_COLOUR_CHARACTERS: Final = b"\\u01b[23456789;:mKk"
_SAMPLE_BYTES: Final = 4096
"""If control characters are found in the first bytes, most lines are likely to have some."""
_LOWER: Final = bytes(range(256)).lower()
# In most lines, one of the rare letters is missing. Characters that are not here come first.
_RAREST_FIRST: Final = b"zqjxkvbpygfwmucldrhsnioate0123456789"
# Where these are without effect: see terminal.py.
_strip_starts: Final = re.compile(
    rb'\\(?<="message":"\\)(?:r|u001b\[(?:[0-2]?K|[01]?G))(?:\\r|\\u001b\[(?:[0-2]?K|[01]?G))*'
).sub
# Not after a backslash, which may be the first half of an escaped one.
_strip_colours: Final = re.compile(rb"\\u001b\[(?<!\\\\u001b\[)(?:[0-9;:]*m|0?K)").sub
# Control characters in JSON, except those of colours: after an even number of backslashes.
_ESCAPED: Final = rb"\\(?<!\\\\)(?:\\\\)*+(?:[bfnr]|u00(?!1b\[(?:[0-9;:]*m|0?K)))"
_find_escaped: Final = re.compile(_ESCAPED).search
_find_control: Final = re.compile(rb"\x7f|\xc2[\x80-\x9f]|" + _ESCAPED).search


class Entry(msgspec.Struct, gc=False):
    """The members of a record that searches and filters look at."""

    seq: int
    level: Level
    step: str | None
    stream: Stream
    message: str
    event: Event | None = None
    partial: bool = False


_Find = Callable[[bytes], Sequence[tuple[int, int, int]]]
_is_partial: Final = attrgetter("partial")


class TextSearch:
    """Finds the records in which the text ends. Takes the segments of a log in order. Raises InvalidPattern."""

    def __init__(self, text: str, options: SearchOptions = PLAIN) -> None:
        self._matcher = matcher_of(text, options)
        self._is_literal = not options.regex
        self._text = fold(text)
        # JSON escapes each character separately, so an escaped message contains the escaped form of each of its parts.
        self._escaped = json.dumps(self._text, ensure_ascii=False)[1:-1].encode(errors="surrogatepass")
        self._colourless = self._escaped.translate(None, _COLOUR_CHARACTERS)
        self._characters = sorted(frozenset(self._escaped) - frozenset(b" \\"), key=_RAREST_FIRST.find)
        self._find_text = _finder([self._escaped])
        self._find_colourless_text = _finder([self._colourless or self._escaped])
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
        if not self._is_literal or self._unfinished or _find_partial(payload) or (self._may_compose and not is_ascii):
            return payload
        is_literal = is_ascii or self._find_sources is None or not self._find_sources(payload)
        has_colours = b"\\" in payload and _COLOUR in payload  # A single character is found faster.
        indexes = {
            *self._lines_with_text(payload, is_literal, has_colours),
            *self._lines_with_controls(payload, is_literal, has_colours),
        }
        lines = segment.lines() if indexes else []
        return b"\n".join(lines[index] for index in sorted(indexes))

    def find(self, entries: list[Entry]) -> list[Entry]:
        """The entries in which the text ends, of those in the next segment."""
        if not self._unfinished and not any(map(_is_partial, entries)):
            return list(compress(entries, self._matcher.select([visible_text(entry.message) for entry in entries])))
        return [entry for entry in entries if self._ends_in(entry)]

    def _lines_with_text(self, payload: bytes, is_literal: bool, has_colours: bool) -> Iterator[int]:
        """The lines that contain the text in any member, regardless of colours, and some others."""
        if has_colours and is_literal and len(self._colourless) > 2:
            plain, find = payload.translate(_LOWER, _COLOUR_CHARACTERS), self._find_colourless_text
        else:
            plain = _strip_colours(b"", payload) if has_colours else payload
            plain, find = plain.lower() if is_literal else fold(plain.decode()).encode(), self._find_text
        index = end = 0
        for _, start, _ in find(plain):
            if start >= end:  # the first place in its line
                index += plain.count(b"\n", end, start)
                end = plain.index(b"\n", start)
                yield index

    def _lines_with_controls(self, payload: bytes, is_literal: bool, has_colours: bool) -> Iterator[int]:
        """The lines with control characters that are not part of a colour, and may show the text.

        Control characters decide what is visible of a line, and only moves of the cursor add to it: spaces.
        """
        has_others = b"\x7f" in payload or b"\xc2" in payload
        search = _find_control if has_others else _find_escaped
        is_dense = search(payload, 0, _SAMPLE_BYTES) is not None
        if not (has_others or has_colours or is_dense or _find_escape(payload)):
            return
        if not search(payload) or not search(payload := _strip_starts(b"", payload)):
            return
        for index, line in enumerate(payload.split(b"\n")):
            if search(line) and (not is_literal or self._may_show(line)):
                yield index

    def _may_show(self, line: bytes) -> bool:
        return all(map(line.lower().partition(_MESSAGE)[2].__contains__, self._characters))

    @cached_property
    def _find_sources(self) -> _Find | None:
        """Finds the characters from which the text may arise in a payload beyond ASCII."""
        sources = [source.encode() for source in find_sources(self._text)]
        return _finder(sources) if sources else None

    def _ends_in(self, entry: Entry) -> bool:
        source = entry.step, entry.stream
        if entry.event is Event.STEP:
            self._unfinished = {key: line for key, line in self._unfinished.items() if key[0] != entry.step}
        before = self._unfinished.pop(source, "") if entry.event is None else ""
        line = before + entry.message
        if entry.partial:
            self._unfinished[source] = line[-MAX_LINE_CHARACTERS:]
        return self._matcher.ends_in(visible_text(line), visible_text(before))


def _finder(wanted: Sequence[bytes]) -> _Find:
    return BytesAhoCorasick(wanted, matchkind=MatchKind.LeftmostFirst).find_matches_as_indexes
