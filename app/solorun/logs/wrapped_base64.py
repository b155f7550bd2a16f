"""Finds secrets that `base64` cut in two when it wrapped a longer text.

A line of wrapped base64 decodes by itself, so each line is searched alone. One or two bytes of a secret at the edge of
a line are found only together with the line that holds the rest: a channel holds a line back until the next one
arrives.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Final

from solorun.logs.secret_index import SecretIndex
from solorun.project import MIN_SECRET_CHARACTERS

_WORD: Final = re.compile(r"[\"']?+([A-Za-z0-9+/_-]{4,}+)={0,2}+[\"',;]*+")
_LEAST_AFTER_TEXT: Final = 12
"""The word at the end of a line is often shorter. Decoding it each time would cost half of all masking."""
_LINE: Final = re.compile(r"(?:[A-Za-z0-9+/_-]{4}){4,}+")
_LAST_LINE: Final = re.compile(r"[A-Za-z0-9+/_-]++={0,2}+")
_STANDARD: Final = str.maketrans("-_", "+/")
_LEAST: Final = 3
"""Fewer bytes at the edge of a line match too often by chance."""
_MAX_OPEN_BYTES: Final = 64 * 1024
"""An endless chain of secrets is released, masked."""
_WINDOW: Final = 16
"""A line within a long secret contains one of the windows of this length into which the secret is divided."""


class WrappedBase64:
    """Secrets, as the bytes that base64 encodes. Each byte is one character."""

    def __init__(self) -> None:
        self._forward = SecretIndex(MIN_SECRET_CHARACTERS)
        self._backward = SecretIndex(MIN_SECRET_CHARACTERS)
        self._long: list[str] = []
        self._windows: set[str] = set()

    def add(self, secret: str) -> None:
        value = secret.encode("utf-8", "replace").decode("latin-1")
        if len(value) < MIN_SECRET_CHARACTERS:
            return
        self._forward.add(value)
        self._backward.add(value[::-1])
        windows = {value[start : start + _WINDOW] for start in range(0, len(value) - 2 * _WINDOW, _WINDOW)}
        if windows:
            self._long.append(value)
            self._windows |= windows

    def find_spans(self, text: str) -> list[tuple[int, int]]:
        """The spans of `text` that encode the end, the beginning or the middle of a secret."""
        *before, word = text.rsplit(None, 1) or [""]
        if before and len(word) < _LEAST_AFTER_TEXT:
            return []
        line = _WORD.fullmatch(word)
        if line is None or len(line[1]) % 4 == 1:
            return []
        decoded = _decode(line[1].translate(_STANDARD))
        start = text.rindex(word)
        first, last = start + line.start(1), start + line.end(1)
        if self._is_middle(decoded):
            return [(first, last)]
        spans: list[tuple[int, int]] = []
        cut = self._backward.find_incomplete(decoded[::-1])
        if cut is not None and (length := len(decoded) - cut) >= _LEAST:
            spans.append((first, first + -(-length * 8 // 6)))
        cut = self._forward.find_incomplete(decoded)
        if cut is not None and len(decoded) - cut >= _LEAST:
            spans.append((first + cut * 8 // 6, last))
        return spans

    def find_cut_spans(self, lines: Sequence[str]) -> dict[int, list[tuple[int, int]]]:
        """The spans of each line that encode a part of a secret, if the lines that encode all of it are here."""
        found: dict[int, list[tuple[int, int]]] = {}
        for first, stop in _find_blocks(lines):
            encoded = "".join(lines[first:stop]).rstrip("=").translate(_STANDARD)
            width = len(lines[first])
            for from_byte, to_byte in self._forward.find_spans(_decode(encoded)):
                start, end = from_byte * 8 // 6, -(-to_byte * 8 // 6)
                for number in range(start // width, (end - 1) // width + 1):
                    before = number * width
                    found.setdefault(first + number, []).append((max(0, start - before), min(width, end - before)))
        return found

    def count_open_lines(self, lines: Sequence[str]) -> int:
        """How many lines at the end have to be searched again with the next line, for a secret that it may end."""
        first = stop = len(lines)
        while first > 0 and len(lines[first - 1]) == len(lines[-1]) and _LINE.fullmatch(lines[first - 1]):
            first -= 1
        if first == stop:
            return 0
        decoded = _decode("".join(lines[first:]).translate(_STANDARD))
        cut = self._forward.find_incomplete(decoded)
        if cut is None:
            return 0
        line_bytes = len(lines[-1]) * 3 // 4
        line = cut // line_bytes
        for from_byte, to_byte in reversed(self._forward.find_spans(decoded)):
            # A secret that ends in the first line that is held begins in an earlier one: hold that one too.
            if to_byte > line * line_bytes:
                line = min(line, from_byte // line_bytes)
        count = stop - first - line
        return count if count * line_bytes <= _MAX_OPEN_BYTES else 0

    def _is_middle(self, decoded: str) -> bool:
        starts = range(len(decoded) - _WINDOW + 1) if len(decoded) <= self._forward.longest else ()
        return any(decoded[start : start + _WINDOW] in self._windows for start in starts) and any(
            decoded in value for value in self._long
        )


def _decode(encoded: str) -> str:
    """Without its last character if that cannot be part of base64."""
    whole = encoded[:-1] if len(encoded) % 4 == 1 else encoded
    return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("latin-1")


def _find_blocks(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of lines that may be one text: lines of one length, and perhaps a shorter last one."""
    first = 0
    while first < len(lines):
        width, stop = len(lines[first]), first
        while stop < len(lines) and len(lines[stop]) == width and _LINE.fullmatch(lines[stop]):
            stop += 1
        if stop > first and stop < len(lines) and len(lines[stop]) <= width and _LAST_LINE.fullmatch(lines[stop]):
            stop += 1
        if stop - first > 1:
            yield first, stop
        first = max(stop, first + 1)
