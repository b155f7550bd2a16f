"""Matches a regular expression as Python's `re` does, and counts the steps of its backtracking."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import islice
from typing import Any, Final

sre: Final[Any] = import_module("re._constants")
_parser: Final[Any] = import_module("re._parser")

_CLASSES: Final[dict[Any, Callable[[str], bool]]] = {
    sre.CATEGORY_DIGIT: str.isdecimal,
    sre.CATEGORY_SPACE: str.isspace,
    sre.CATEGORY_WORD: lambda char: char.isalnum() or char == "_",
}
_NEGATED: Final[dict[Any, Any]] = {
    sre.CATEGORY_NOT_DIGIT: sre.CATEGORY_DIGIT,
    sre.CATEGORY_NOT_SPACE: sre.CATEGORY_SPACE,
    sre.CATEGORY_NOT_WORD: sre.CATEGORY_WORD,
}
_REPEATS: Final[tuple[Any, ...]] = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)


class TooManySteps(Exception):
    """The limit of steps is reached."""


class Backtracking:
    """One pattern's matcher. `steps` counts the nodes and characters that it has tried for the last text."""

    def __init__(self, pattern: str, flags: int, *, max_steps: int) -> None:
        self._tree = list(_parser.parse(pattern, flags))
        self._multiline = bool(flags & re.MULTILINE)
        self._max_steps = max_steps
        self.steps = 0

    def count_steps(self, text: str, *, anchored: bool) -> int:
        """The steps of a match of the whole text or, if not anchored, of a search through it."""
        self.steps = 0
        with suppress(TooManySteps):
            if anchored:
                self.match_whole(text)
            else:
                self.find_all(text)
        return self.steps

    def find_all(self, text: str) -> None:
        """Match from every position, and go on after each match."""
        kind, literal = self._tree[0]
        at = 0
        while at <= len(text):
            if kind is sre.LITERAL and text[at : at + 1] != chr(literal):
                self._count()
                at += 1
                continue
            end = next(self._match(self._tree, text, at), None)
            at = at + 1 if end is None else max(end, at + 1)

    def match_whole(self, text: str) -> bool:
        return any(end == len(text) for end in self._match(self._tree, text, 0))

    def _match(self, nodes: list[Any], text: str, at: int) -> Iterator[int]:
        """The positions where the nodes can end, in the order of backtracking."""
        self._count()
        if not nodes:
            yield at
            return
        for end in self._match_one(nodes[0], text, at):
            yield from self._match(nodes[1:], text, end)

    def _match_one(self, node: Any, text: str, at: int) -> Iterator[int]:
        operation, argument = node
        if operation in _REPEATS:
            low, high, body = argument
            ends = self._repeat(list(body), low, high, text, at, greedy=operation is not sre.MIN_REPEAT)
            yield from islice(ends, 1) if operation is sre.POSSESSIVE_REPEAT else ends
        elif operation is sre.SUBPATTERN:
            yield from self._match(list(argument[-1]), text, at)
        elif operation is sre.BRANCH:
            for branch in argument[1]:
                yield from self._match(list(branch), text, at)
        elif operation in (sre.ASSERT, sre.ASSERT_NOT):
            direction, body = argument
            start = at if direction > 0 else at - body.getwidth()[0]
            found = start >= 0 and next(self._match(list(body), text, start), None) is not None
            yield from [at] if found is (operation is sre.ASSERT) else []
        elif operation is sre.AT:
            yield from [at] if self._is_boundary(argument, text, at) else []
        elif operation is sre.GROUPREF:
            yield at  # the text of the group, as if it was empty: fewer steps than the truth, but as many starts
        elif at < len(text) and _accepts(operation, argument, text[at]):
            yield at + 1

    def _repeat(self, body: list[Any], low: int, high: int, text: str, at: int, *, greedy: bool) -> Iterator[int]:
        ends = [at]
        if greedy and len(body) == 1 and body[0][0] not in (*_REPEATS, sre.SUBPATTERN, sre.BRANCH):
            while len(ends) <= high and (end := next(self._match(body, text, ends[-1]), None)) is not None:
                ends.append(end)
            yield from reversed(ends[low:])
            return
        if not greedy and low == 0:
            yield at
        if high > 0:
            for end in self._match(body, text, at):
                if end > at:
                    yield from self._repeat(body, max(low - 1, 0), high - 1, text, end, greedy=greedy)
        if greedy and low == 0:
            yield at

    def _is_boundary(self, kind: Any, text: str, at: int) -> bool:
        if kind is sre.AT_BEGINNING:
            return at == 0 or (self._multiline and text[at - 1] == "\n")
        return kind is not sre.AT_END or text[at:] in ("", "\n") or (self._multiline and text[at] == "\n")

    def _count(self) -> None:
        self.steps += 1
        if self.steps > self._max_steps:
            raise TooManySteps


def _accepts(operation: Any, argument: Any, char: str) -> bool:
    if operation is sre.LITERAL:
        return ord(char) == int(argument)
    if operation is sre.NOT_LITERAL:
        return ord(char) != int(argument)
    if operation is sre.RANGE:
        return int(argument[0]) <= ord(char) <= int(argument[1])
    if operation is sre.CATEGORY:
        negated = argument in _NEGATED
        return _CLASSES[_NEGATED.get(argument, argument)](char) is not negated
    if operation is sre.IN:
        negated = argument[0][0] is sre.NEGATE
        return any(_accepts(kind, value, char) for kind, value in argument[negated:]) is not negated
    assert operation is sre.ANY
    return True


def examples_of(pattern: str, flags: int) -> tuple[str, set[str]]:
    """A text that the pattern matches, more or less, and characters of each of its sets."""
    alphabet: set[str] = set()

    def walk(nodes: Any) -> str:
        return "".join(one(*node) for node in nodes)

    def one(operation: Any, argument: Any) -> str:
        if operation in _REPEATS:
            return walk(argument[2]) * max(1, int(argument[0]))
        if operation is sre.SUBPATTERN:
            return walk(argument[-1])
        if operation is sre.BRANCH:
            first, *_ = [walk(branch) for branch in argument[1]]
            return first
        if operation in (sre.ASSERT, sre.ASSERT_NOT):
            walk(argument[1])
            return ""
        if operation in (sre.AT, sre.GROUPREF):
            return ""
        chars = map(chr, [*b'a1: /."-A\n\x1b', *range(0x3100), 0xD800, 0xD801])
        accepted = [*islice((char for char in chars if _accepts(operation, argument, char)), 2)]
        alphabet.update(accepted)
        return accepted[0]

    return walk(_parser.parse(pattern, flags)), alphabet
