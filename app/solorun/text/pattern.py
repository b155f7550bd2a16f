"""Finds text in the visible text of lines: ignoring case or not, as whole words, or by a regular expression."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final
from unicodedata import normalize

from solorun.text.folding import fold

_MAX_PROGRAM_BYTES: Final = 2_500 * 64
"""What RE2 requires for 2,500 instructions. They bound the time per byte. A class such as `\\pL` has 1,200."""
_MATCHING_BYTES: Final = 8 * 1024 * 1024
# To these, the lines of a batch are not texts of their own.
_IS_OF_TEXT: Final = re.compile(r"\\[ACz]|\(\?[a-zA-Z]*-").search


class InvalidPattern(ValueError):
    """The regular expression is invalid. The message says why."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How a text is searched. A `regex` is one of RE2. A whole word is between characters that no word has."""

    match_case: bool = False
    whole_word: bool = False
    regex: bool = False


PLAIN: Final = SearchOptions()


class Literal:
    """Finds a text."""

    def __init__(self, text: str, options: SearchOptions) -> None:
        self.folded: Final = fold(text)
        self._exact = normalize("NFC", text) if options.match_case else None
        self._whole_word = options.whole_word

    def select(self, lines: Sequence[str]) -> list[bool]:
        """Whether the text is in each of the lines."""
        if self._exact is None and not self._whole_word:
            return [self.folded in fold(line) for line in lines]
        return [self.ends_in(line) for line in lines]

    def ends_in(self, line: str, before: str = "") -> bool:
        """Whether the text is in the line, and ends in what follows the text `before`."""
        shown = fold(line)
        if self._exact is None:
            return self._is_after(self.folded, shown, fold(before))
        # Only the lines with the folded text are searched. In theory, others could have the exact one.
        return self.folded in shown and self._is_after(self._exact, normalize("NFC", line), normalize("NFC", before))

    def _is_after(self, text: str, shown: str, earlier: str) -> bool:
        start = shown.find(text, max(0, len(earlier) - len(text) + 1) if shown.startswith(earlier) else 0)
        while self._whole_word and start >= 0 and not _is_whole(shown, start, start + len(text)):
            start = shown.find(text, start + 1)
        return start >= 0


class Regex:
    """Finds what a regular expression matches, in linear time. Raises InvalidPattern."""

    def __init__(self, text: str, options: SearchOptions) -> None:
        self._pattern = _compile(text, options)
        self._whole_word = options.whole_word
        self._is_of_text = _IS_OF_TEXT(text) is not None

    def select(self, lines: Sequence[str]) -> list[bool]:
        """Whether it matches in each of the lines."""
        if self._is_of_text:
            return [self.ends_in(line) for line in lines]
        found = self._select_together(lines)
        if self._whole_word:
            found = [is_found and self.ends_in(line) for is_found, line in zip(found, lines, strict=True)]
        return found

    def ends_in(self, line: str, before: str = "") -> bool:
        """Whether it matches in the line, and the match ends in what follows the text `before`."""
        shown, earlier = normalize("NFC", line), normalize("NFC", before)
        seen = len(earlier) if shown.startswith(earlier) else 0
        return any(
            (match.end() > seen or not seen) and not (self._whole_word and not _is_whole(shown, *match.span()))
            for match in self._pattern.finditer(shown.encode(errors="replace").decode())
        )

    def _select_together(self, lines: Sequence[str]) -> list[bool]:
        """A call for all lines takes a fortieth of the time of one for each. No match contains a line feed."""
        found = [False] * len(lines)
        encoded = [normalize("NFC", line).encode(errors="replace") for line in lines]
        ends = list(accumulate(len(line) + 1 for line in encoded))
        text = b"\n".join(encoded)
        position = 0
        while position <= len(text) and (match := self._pattern.search(text, position)):
            index = bisect_right(ends, match.start())
            found[index] = True
            position = ends[index]
        return found


def matcher_of(text: str, options: SearchOptions) -> Literal | Regex:
    """Raises InvalidPattern."""
    return Regex(text, options) if options.regex else Literal(text, options)


def _compile(pattern: str, options: SearchOptions) -> Any:
    # Python's `re` can take forever for a pattern that looks harmless.
    import re2

    settings = re2.Options()
    settings.log_errors = False
    settings.never_nl = True
    settings.case_sensitive = options.match_case
    composed = normalize("NFC", pattern)
    try:
        settings.max_mem = _MAX_PROGRAM_BYTES
        re2.compile(composed, settings)
        settings.max_mem = _MATCHING_BYTES
        return re2.compile(f"(?m){composed}", settings)
    except re2.error as error:
        reason = error.args[0]
        raise InvalidPattern(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from None
    finally:
        re2.purge()  # Each that it keeps may take those 8 MiB.


def _is_whole(line: str, start: int, end: int) -> bool:
    return not (_is_of_word(line[start - 1 : start]) or _is_of_word(line[end : end + 1]))


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_"
