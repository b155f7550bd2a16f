"""Validates plain data from TOML, and collects every error: where it is, what was found and what was expected.

A *reader* turns a Node into a value or raises InvalidValue; the walk records the error, uses the default and goes on.
Nothing here knows projects or settings: their tables do.
"""

import json
import re
import stat
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from solorun.errors import FieldError
from solorun.settings import parse_duration, parse_size

T = TypeVar("T")
D = TypeVar("D")
E = TypeVar("E", bound=StrEnum)

MAX_DURATION_SECONDS: Final = 366 * 86400.0
MAX_LONG_DURATION_SECONDS: Final = 100 * MAX_DURATION_SECONDS
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


def text(node: Node) -> str:
    """A string that is not blank."""
    if not isinstance(node.value, str):
        raise InvalidValue(f"expected a string, got {format_value(node.value)}")
    if "\0" in node.value:
        raise InvalidValue("contains a NUL character, which cannot be passed to a program")
    if not node.value.strip():
        raise InvalidValue("is empty")
    return node.value


def line(node: Node) -> str:
    """A string without line breaks or other control characters."""
    found = text(node)
    if not found.isprintable():
        raise InvalidValue(f"{format_value(found)} contains a line break or another unprintable character")
    return found


def path(node: Node) -> Path:
    """A path, relative to the document's directory; `~` is the home directory. Links and `..` are not resolved."""
    try:
        return node.base_dir / Path(text(node)).expanduser()
    except RuntimeError:
        raise InvalidValue(
            f"{format_value(node.value)} begins with an unknown home directory; write the full path"
        ) from None


def is_directory(directory: Path) -> bool:
    """Whether the directory exists. Raises InvalidValue if it is something else, or cannot be accessed."""
    try:
        mode = directory.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InvalidValue(f"{directory} cannot be accessed: {error.strerror}") from None
    if not stat.S_ISDIR(mode):
        raise InvalidValue(f"{directory} is not a directory")
    return True


def array(reader: Callable[[Node], T], expected: str) -> Callable[[Node], tuple[T, ...]]:
    """A reader of lists that reads each item with `reader`. `expected` describes such a list: "a list of names"."""

    def read(node: Node) -> tuple[T, ...]:
        if not isinstance(node.value, list | tuple):
            raise InvalidValue(f"expected {expected}, got {format_value(node.value)}")
        items = [item.read(reader, None) for item in node.items()]
        return tuple(item for item in items if item is not None)

    return read


def distinct(reader: Callable[[Node], T], expected: str) -> Callable[[Node], tuple[T, ...]]:
    """Like `array`, for lists of strings. Refuses the second and later occurrences of each."""

    def read(node: Node) -> tuple[T, ...]:
        found = array(reader, expected)(node)
        seen: set[str] = set()
        for item in node.items():
            if isinstance(item.value, str):
                if item.value in seen:
                    item.refuse(f"{format_value(item.value)} is listed twice")
                seen.add(item.value)
        return found

    return read


def duration(node: Node) -> float:
    """Seconds, greater than zero."""
    return _not_zero(duration_or_zero(node))


def duration_or_zero(node: Node) -> float:
    return _duration(node, MAX_DURATION_SECONDS, "a year")


def long_duration(node: Node) -> float:
    """Seconds, greater than zero, up to a century."""
    return _not_zero(_duration(node, MAX_LONG_DURATION_SECONDS, "a century"))


def _duration(node: Node, limit_seconds: float, limit: str) -> float:
    if not isinstance(node.value, str):
        raise InvalidValue(f'expected a duration like "30s", "20m" or "1h30m", got {format_value(node.value)}')
    try:
        seconds = parse_duration(node.value)
    except ValueError as error:
        raise InvalidValue(str(error)) from None
    if seconds > limit_seconds:
        raise InvalidValue(f"{format_value(node.value)} is longer than {limit}")
    return seconds


def _not_zero(seconds: float) -> float:
    if not seconds:
        raise InvalidValue("must be greater than zero; omit the key to use the default")
    return seconds


def size(node: Node) -> int:
    """Bytes, greater than zero."""
    if not isinstance(node.value, str):
        raise InvalidValue(f'expected a size like "500MB" or "1GiB", got {format_value(node.value)}')
    try:
        found = parse_size(node.value)
    except ValueError as error:
        raise InvalidValue(str(error)) from None
    if not found:
        raise InvalidValue("must be greater than zero; omit the key to use the default")
    return found


def whole_number(low: int, high: int) -> Callable[[Node], int]:
    def read(node: Node) -> int:
        # In Python a bool is an int, but `port = true` is a mistake.
        if isinstance(node.value, bool) or not isinstance(node.value, int) or not low <= node.value <= high:
            raise InvalidValue(f"expected a whole number from {low} to {high}, got {format_value(node.value)}")
        return node.value

    return read


def boolean(node: Node) -> bool:
    if not isinstance(node.value, bool):
        raise InvalidValue(f"expected true or false, got {format_value(node.value)}")
    return node.value


def choice(*values: str) -> Callable[[Node], str]:
    def read(node: Node) -> str:
        if node.value not in values:
            expected = " or ".join(map(format_value, values))
            raise InvalidValue(f"expected {expected}, got {format_value(node.value)}")
        return str(node.value)

    return read


def member(kind: type[E]) -> Callable[[Node], E]:
    """A reader of a member of an enumeration."""
    read = choice(*kind)
    return lambda node: kind(read(node))


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
