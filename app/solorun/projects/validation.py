"""Validates plain data from TOML, and collects every error: where it is, what was found and what was expected.

A *reader* turns a Node into a value or raises InvalidValue; the walk records the error, uses the default and goes on.
Nothing here knows projects or settings: their tables do.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from solorun.errors import FieldError

T = TypeVar("T")
D = TypeVar("D")
E = TypeVar("E", bound=StrEnum)

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_MAX_SHOWN_CHARS = 60
_MAX_SHOWN_INT = 10**18


class InvalidValue(Exception):
    """The value is invalid. The message says why, and reads as a sentence after the pointer."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document and its position.

    All nodes of a document share one list of errors, and the directory where its relative paths start.
    """

    value: Any
    pointer: str
    errors: list[FieldError]
    base_dir: Path

    def refuse(self, message: str) -> None:
        """Record an error at this position."""
        self.errors.append(FieldError(self.pointer, message))

    def read(self, reader: "Callable[[Node], T]", default: D) -> T | D:
        """The value that `reader` returns. If the value is invalid, record the error and return `default`."""
        try:
            return reader(self)
        except InvalidValue as invalid:
            self.refuse(str(invalid))
            return default

    def below(self, key: str) -> "Node":
        """The value of a key of this table; None for a missing key, which can be refused too."""
        return replace(self, value=self.value.get(key), pointer=pointer_below(self.pointer, key))

    def key(self, key: str) -> "Node":
        """A key of this table itself, to be read as a value."""
        return replace(self.below(key), value=key)

    def items(self) -> "list[Node]":
        return [replace(self, value=value, pointer=f"{self.pointer}[{i}]") for i, value in enumerate(self.value)]


class Table:
    """A table whose keys are known. Refuses unknown ones; `hints` has suggestions for some of them."""

    def __init__(self, node: Node, keys: Collection[str], hints: Mapping[str, str]) -> None:
        """Raises InvalidValue if the value is not a table."""
        self.node = node
        for key in table_of(node):
            if key not in keys:
                hint = hints.get(key) or suggest(key, keys) or f"known keys: {', '.join(keys)}"
                node.below(key).refuse(f"unknown key; {hint}")

    def __contains__(self, key: str) -> bool:
        return key in self.node.value

    def read(self, key: str, reader: Callable[[Node], T], default: D) -> T | D:
        return self.node.below(key).read(reader, default) if key in self else default

    def require(self, key: str, reader: Callable[[Node], T], default: D, *, missing: str) -> T | D:
        """Like `read`, for a required key. `missing` says why it is required, or how to write it."""
        if key not in self:
            self.node.below(key).refuse(f"is missing; {missing}")
        return self.read(key, reader, default)


def pointer_below(pointer: str, key: str) -> str:
    """The pointer of a key of the table at `pointer`."""
    name = key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
    return f"{pointer}.{name}" if pointer else name


def table_of(node: Node) -> dict[str, Any]:
    if not isinstance(node.value, dict):
        raise InvalidValue(f"expected a table, got {format_value(node.value)}")
    return node.value


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean "steps"?`, or "" if no known word is similar."""
    candidates = list(known)
    near = get_close_matches(word.lower(), candidates, n=1) or [
        candidate for candidate in candidates if word.startswith(candidate) or (word and candidate.startswith(word))
    ]
    return f'did you mean "{near[0]}"?' if near else ""


def format_value(value: object) -> str:
    """A value as an error message shows it: a scalar as in TOML, shortened if it is long."""
    match value:
        case str():
            shown = value if len(value) <= _MAX_SHOWN_CHARS else value[:_MAX_SHOWN_CHARS] + "…"
            # A variable that is not UTF-8 contains surrogates, which cannot be printed.
            return json.dumps(shown, ensure_ascii=False).encode(errors="backslashreplace").decode()
        case bool():
            return str(value).lower()
        case int() if abs(value) > _MAX_SHOWN_INT:
            # Python refuses to format very large integers.
            return "a very large number"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case dict():
            return "a table"
        case int() | float():
            return str(value)
        case date() | time():
            return f"the date or time {value}"
        case None:
            return "nothing"
        case _:
            return f"a {type(value).__name__}"
