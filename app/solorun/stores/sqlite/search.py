"""Which records of a segment a log query lets through, found in the segment's bytes: JSON is decoded only where it
must be. Exact: nothing that `str.casefold` would find is missed.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import msgspec

from solorun.record import Event, Level
from solorun.segment import EVENT_MEMBER, Segment

_BLOCK: Final = 0x400
_SURROGATES: Final = range(0xD800, 0xE000)


class _Message(msgspec.Struct):
    """The one member of a record that a text is looked for in; the others are skipped over."""

    message: str


_decode_message = msgspec.json.Decoder(_Message).decode


class LogFilter:
    """Records of some levels, of one step, with a text in their message, that tell one of some events; None and an
    empty collection let everything through.
    """

    def __init__(
        self,
        *,
        levels: frozenset[Level],
        step: str | None = None,
        text: str | None = None,
        events: Collection[Event] = (),
    ) -> None:
        self.levels = levels
        # The members before the message come in the order of Record's fields, and hold no quote but their own.
        self._step = b"" if step is None else b',"step":' + msgspec.json.encode(step) + b","
        self._header = _header_pattern(levels, self._step)
        self._text = _Text(text) if text else None
        self._events = _Events(events) if events else None

    @property
    def wants_events(self) -> bool:
        """Whether only records that tell an event can pass."""
        return self._events is not None

    def select(self, segment: Segment) -> Iterator[tuple[int, bytes]]:
        """The seq and the JSON of each record that passes, in order."""
        if self._step not in segment.payload:
            return
        lines = self._lines(segment.payload)
        if lines is None:
            for found in self._header.finditer(segment.payload):
                yield int(found[1]), found[0]
            return
        for line in lines:
            header = self._header.match(line)
            if header is not None and (self._text is None or self._text.is_in(line)):
                yield int(header[1]), line

    def _lines(self, payload: bytes) -> Iterator[bytes] | None:
        """The lines worth a look, found by what most of them lack; None when that is all of them."""
        if self._events is not None:
            return self._events.lines(payload)
        return self._text.lines(payload) if self._text is not None else None


def _header_pattern(levels: frozenset[Level], step: bytes) -> re.Pattern[bytes]:
    names = b"|".join(level.value.encode() for level in Level if level in levels)
    return re.compile(
        rb'^\{"seq":([0-9]+),"time":"[^"\n]*","level":"(?:' + names + rb')"' + re.escape(step) + rb"[^\n]*$",
        re.MULTILINE,
    )


class _Events:
    """Some events. Most segments tell of none, which their bytes say at once."""

    def __init__(self, events: Collection[Event]) -> None:
        self._members = tuple(EVENT_MEMBER + event.value.encode() + b'"' for event in events)

    def lines(self, payload: bytes) -> Iterator[bytes]:
        """The lines that tell one of them, in order. No string holds a bare quote: it can only be the member."""
        position = payload.find(EVENT_MEMBER)
        while position >= 0:
            end = payload.find(b"\n", position)
            if payload.startswith(self._members, position):
                yield payload[payload.rfind(b"\n", 0, position) + 1 : end]
            position = payload.find(EVENT_MEMBER, end)


class _Text:
    """A text to be looked for, whatever its case.

    Bytes are compared first: those of the text, escaped as JSON and folded, in those of the payload with its ASCII
    letters lowered. That is enough unless the payload holds one of the rare characters that fold to something
    beyond that (the Kelvin sign to `k`, `ß` to `ss`, `É` to `é`): then every line is decoded.
    """

    def __init__(self, text: str) -> None:
        self._folded = text.casefold()
        try:
            # Escaping works on each character alone, so an escaped message holds every escaped part of itself.
            self._bytes: bytes | None = msgspec.json.encode(self._folded)[1:-1].lower()
        except UnicodeEncodeError:  # half of a surrogate pair: no stored message holds one
            self._bytes = None

    def lines(self, payload: bytes) -> Iterator[bytes]:
        """The lines that may hold the text: all that do, and some others."""
        if self._bytes is None:
            return
        if not payload.isascii() and any(source in payload for source in self._sources()):
            yield from payload[:-1].split(b"\n")
            return
        lowered = payload.lower()
        position = lowered.find(self._bytes)
        while position >= 0:
            start = lowered.rfind(b"\n", 0, position) + 1
            end = lowered.find(b"\n", position)
            yield payload[start:end]
            position = lowered.find(self._bytes, end)

    def is_in(self, line: bytes) -> bool:
        return self._folded in _decode_message(line).message.casefold()

    def _sources(self) -> Iterator[bytes]:
        for character in set(self._folded):
            yield from _characters_folding_to().get(character, ())


@cache
def _characters_folding_to() -> Mapping[str, tuple[bytes, ...]]:
    """For a character the others, beyond ASCII, in whose folded form it stands. Takes 0.1 s, once."""
    found: dict[str, set[bytes]] = {}
    for start in range(0x80, 0x110000, _BLOCK):
        block = "".join(chr(code) for code in range(start, min(start + _BLOCK, 0x110000)) if code not in _SURROGATES)
        if block.casefold() == block:
            continue
        for character in block:
            folded = character.casefold()
            if folded != character:
                for part in folded:
                    found.setdefault(part, set()).add(character.encode())
    return MappingProxyType({part: tuple(sources) for part, sources in found.items()})
