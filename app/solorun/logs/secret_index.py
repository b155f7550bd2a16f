"""Finds many literal strings in a text, in a time that depends on the text and hardly on the strings.

An automaton finds the places where a string could begin, by its first characters. At each place, the longest string is
found by bisection. Neither step repeats work for strings that contain each other, of which there may be thousands.
"""

import re
from bisect import bisect_left, bisect_right, insort
from typing import Final

from ahocorasick_rs import AhoCorasick

_YOUNG: Final = 256
"""Up to this many beginnings are cheap to index again after each new string."""


_SLICE_CHARACTERS: Final = 4096
"""A longer text is searched in slices. Python would collect garbage because of the thousands of places found together,
and that takes several times as long as the search."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class SecretIndex:
    """A growing set of strings, each at least `prefix_length` characters long.

    Lone surrogates, as undecodable bytes have in the environment and in names of files, count as U+FFFD, which is what
    the log has for such bytes.
    """

    def __init__(self, prefix_length: int) -> None:
        self._prefix_length = prefix_length
        self._families: dict[str, _Family] = {}
        self._old = _Beginnings()
        self._young = _Beginnings()
        self.longest = 0
        self.count = 0

    def add(self, string: str) -> None:
        string = _replace_surrogates(string)
        beginning = string[: self._prefix_length]
        family = self._families.get(beginning)
        if family is None:
            family = self._families[beginning] = _Family()
            self._young.add(beginning)
            if len(self._young) > _YOUNG:
                self._old.extend(self._young)
                self._young = _Beginnings()
        if family.add(string):
            self.longest = max(self.longest, len(string))
            self.count += 1

    def find_spans(self, text: str) -> list[tuple[int, int]]:
        """The spans of `text` that the strings cover, in order. Strings that overlap are one span."""
        text = _replace_surrogates(text)
        spans: list[tuple[int, int]] = []
        places = self._find_places(text)
        index = 0
        while index < len(places):
            start = places[index]
            index += 1
            end = start + self._find_longest(text, start, 0)
            overlapping: list[tuple[int, int]] = []
            """Ranges of `places` that may reach further than `end`."""
            while end > start:
                stop = bisect_left(places, end, index)
                if stop > index:
                    overlapping.append((index, stop))
                    index = stop
                if not overlapping or end == len(text):
                    spans.append((start, end))
                    break
                # The last place first: it reaches furthest, which spares most comparisons at the others.
                first, last = overlapping.pop()
                place = places[last - 1]
                if place + self.longest <= end:
                    overlapping.clear()
                    continue
                if last - 1 > first:
                    overlapping.append((first, last - 1))
                end = max(end, place + self._find_longest(text, place, end - place))
        return spans

    def find_candidates(self, text: str) -> list[int]:
        """Where strings may begin, in order: at least one place in each line that contains a string."""
        text = _replace_surrogates(text)
        return sorted(self._old.find(text, overlapping=False) + self._young.find(text, overlapping=False))

    def find_incomplete(self, text: str) -> int | None:
        """Where the longest end of `text` begins that one of the strings continues; None without one."""
        text = _replace_surrogates(text)
        first = max(0, len(text) - self.longest + 1)
        for start in self._find_places(text, first):
            if self._families[text[start : start + self._prefix_length]].is_beginning(text, start):
                return start
        # An end that is shorter than a beginning is not in the automaton.
        for start in range(max(0, len(text) - self._prefix_length + 1), len(text)):
            if self._old.continues(text[start:]) or self._young.continues(text[start:]):
                return start
        return None

    def _find_longest(self, text: str, start: int, least: int) -> int:
        """The length of the longest string at `start`; 0 if none there is longer than `least`."""
        family = self._families[text[start : start + self._prefix_length]]
        return family.find_longest(text, start) if family.longest > least else 0

    def _find_places(self, text: str, first: int = 0) -> list[int]:
        part = text[first:] if first else text
        old, young = self._old.find(part), self._young.find(part)
        places = sorted(old + young) if old and young else old or young
        return [first + place for place in places] if first else places


def _replace_surrogates(text: str) -> str:
    """A text of the same length that can be encoded."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


class _Beginnings:
    """The different beginnings of the strings. They have one length, so a text has at most one at each place."""

    def __init__(self) -> None:
        self._sorted: list[str] = []
        self._automaton: AhoCorasick | None = None

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, beginning: str) -> None:
        insort(self._sorted, beginning)
        self._automaton = None

    def extend(self, others: "_Beginnings") -> None:
        self._sorted = sorted(self._sorted + others._sorted)
        self._automaton = None

    def find(self, text: str, *, overlapping: bool = True) -> list[int]:
        """Where the beginnings stand in `text`, in order. Without `overlapping`, what begins in another is left out."""
        if not self._sorted:
            return []
        if self._automaton is None:
            self._automaton = AhoCorasick(self._sorted)
        last = len(self._sorted[0]) - 1  # All of them have one length.
        return [
            first + place
            for first in range(0, len(text), _SLICE_CHARACTERS)
            for _, place, _ in self._automaton.find_matches_as_indexes(
                text[first : first + _SLICE_CHARACTERS + last], overlapping
            )
        ]

    def continues(self, text: str) -> bool:
        """Whether one of the beginnings begins with `text`."""
        place = bisect_left(self._sorted, text)
        return place < len(self._sorted) and self._sorted[place].startswith(text)


class _Family:
    """Strings with the same beginning, sorted: those that begin alike are adjacent.

    The parent of a string is its longest proper prefix among the others. Its jump leads far up the chain of parents, so
    that a long chain is climbed in few steps.
    """

    def __init__(self) -> None:
        self._strings: list[str] = []
        self._parents: dict[str, str] = {}
        self._jumps: dict[str, str] = {}
        self._depths: dict[str, int] = {"": 0}
        self._is_linked = True
        self.longest = 0

    def add(self, string: str) -> bool:
        """False if it is already here."""
        if string in self._parents:
            return False
        place = bisect_left(self._strings, string)
        follows = place < len(self._strings) and self._strings[place].startswith(string)
        if follows or not self._is_linked:
            # It comes between others and their parents. They are linked again when next needed.
            self._is_linked = False
            self._parents[string] = ""
        else:
            self._link(string, self._find_prefix(string))
        self._strings.insert(place, string)
        self.longest = max(self.longest, len(string))
        return True

    def find_longest(self, text: str, start: int) -> int:
        """The length of the longest string at `start`; 0 if none is there."""
        if not self._is_linked:
            self._link_all()
        return len(self._find_prefix(text[start : start + self.longest]))

    def is_beginning(self, text: str, start: int) -> bool:
        """Whether `text` ends in the middle of a string that begins at `start`."""
        if len(text) - start >= self.longest:
            return False
        end = text[start:]
        place = bisect_right(self._strings, end)
        return place < len(self._strings) and self._strings[place].startswith(end)

    def _find_prefix(self, text: str) -> str:
        """The longest of the strings that `text` begins with, "" if there is none.

        It is the last string that sorts before `text`, or one of its ancestors: every string between an ancestor and
        `text` begins with that ancestor.
        """
        place = bisect_right(self._strings, text)
        if not place:
            return ""
        string = self._strings[place - 1]
        if text.startswith(string):
            return string
        common = _common_length(string, text)
        while len(string) > common:
            jump = self._jumps[string]
            string = jump if len(jump) > common else self._parents[string]
        return string

    def _link_all(self) -> None:
        ancestors = [""]
        for string in self._strings:
            while not string.startswith(ancestors[-1]):
                ancestors.pop()
            self._link(string, ancestors[-1])
            ancestors.append(string)
        self._is_linked = True

    def _link(self, string: str, parent: str) -> None:
        depths = self._depths
        jump = self._jumps.get(parent, "")
        far = self._jumps.get(jump, "")
        # A skew-binary number of steps: as far again as the parent's jump, once that was taken twice.
        is_twice = parent != "" and depths[parent] - depths[jump] == depths[jump] - depths[far]
        self._parents[string] = parent
        self._jumps[string] = far if is_twice else parent
        depths[string] = depths[parent] + 1


def _common_length(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
