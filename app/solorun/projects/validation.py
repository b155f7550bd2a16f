"""Walks plain data from TOML and collects every fault on the way: what was found, what is wanted, and where.

A *reader* turns a Node into a value, or raises InvalidValue; the walk notes the fault, takes the default and goes on.
It knows nothing of projects or settings: their tables do.
"""

import json
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

from solorun.errors import FieldError
from solorun.settings import parse_duration

T = TypeVar("T")
D = TypeVar("D")

MAX_DURATION_SECONDS: Final = 366 * 86400.0
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_MAX_SHOWN_CHARS = 60
_MAX_SHOWN_INT = 10**18


class InvalidValue(Exception):
    """The value at hand is not what is wanted; the text says why, and follows the pointer in a sentence."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document, and where it stands. All places of a walk share one list of errors."""

    value: Any
    pointer: str
    errors: list[FieldError]

    def refuse(self, message: str) -> None:
        self.errors.append(FieldError(self.pointer, message))

    def read(self, reader: "Callable[[Node], T]", default: D) -> T | D:
        """What `reader` makes of this value; when it is unfit, note the fault and give `default`."""
        try:
            return reader(self)
        except InvalidValue as unfit:
            self.refuse(str(unfit))
            return default

    def below(self, key: str) -> "Node":
        """The value of a key of this table (None when it is not there: its absence can be refused too)."""
        name = key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
        return Node(self.value.get(key), f"{self.pointer}.{name}" if self.pointer else name, self.errors)

    def items(self) -> "list[Node]":
        return [Node(value, f"{self.pointer}[{index}]", self.errors) for index, value in enumerate(self.value)]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose keys are known. Unknown ones were refused when it was opened."""

    node: Node

    @classmethod
    def open(cls, node: Node, keys: Sequence[str], hints: Mapping[str, str] | None = None) -> "Table":
        """`hints` say of some unknown keys what to write instead. Raises InvalidValue when the value is no table."""
        values = table_of(node)
        for key in values:
            if key not in keys:
                hint = (hints or {}).get(key) or suggest(key, keys) or f"known here: {', '.join(keys)}"
                node.below(key).refuse(f"is not a known key; {hint}")
        return cls(node)

    def __contains__(self, key: str) -> bool:
        return key in self.node.value

    def read(self, key: str, reader: Callable[[Node], T], default: D) -> T | D:
        return self.node.below(key).read(reader, default) if key in self else default

    def require(self, key: str, reader: Callable[[Node], T], default: D, *, missing: str) -> T | D:
        """Like `read`, but the key must be there: `missing` says what it is for."""
        if key not in self:
            self.node.below(key).refuse(f"is missing; {missing}")
        return self.read(key, reader, default)


def table_of(node: Node) -> dict[str, Any]:
    if not isinstance(node.value, dict):
        raise InvalidValue(f"wants a table, found {describe(node.value)}")
    return node.value


def text(node: Node) -> str:
    """A text that says something."""
    if not isinstance(node.value, str):
        raise InvalidValue(f"wants a text in quotes, found {describe(node.value)}")
    if "\0" in node.value:
        raise InvalidValue("holds a NUL character, which no program could be given")
    if not node.value.strip():
        raise InvalidValue("is empty")
    return node.value


def line(node: Node) -> str:
    """A text without line ends and other control characters."""
    found = text(node)
    if not found.isprintable():
        raise InvalidValue(f"{describe(found)} holds a line end or another character that cannot be shown")
    return found


def path(base_dir: Path) -> Callable[[Node], Path]:
    """A reader of paths, as seen from `base_dir`; `~` is the home directory. Links and `..` stay as written."""

    def read(node: Node) -> Path:
        try:
            return base_dir / Path(text(node)).expanduser()
        except RuntimeError:
            raise InvalidValue(
                f"{describe(node.value)} begins at a home directory that is not known; write it out"
            ) from None

    return read


def is_directory(directory: Path) -> bool:
    """Whether it is there. Raises InvalidValue when something else is, or when that cannot be told."""
    try:
        mode = directory.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InvalidValue(f"{directory} cannot be used: {error.strerror}") from None
    if not stat.S_ISDIR(mode):
        raise InvalidValue(f"{directory} is not a directory")
    return True


def array(reader: Callable[[Node], T], wanted: str) -> Callable[[Node], tuple[T, ...]]:
    """A reader of lists, each item by `reader`; `wanted` names such a list: "a list of names"."""

    def read(node: Node) -> tuple[T, ...]:
        if not isinstance(node.value, list | tuple):
            raise InvalidValue(f"wants {wanted}, found {describe(node.value)}")
        items = [item.read(reader, None) for item in node.items()]
        return tuple(item for item in items if item is not None)

    return read


def duration(node: Node) -> float:
    """Seconds, more than none."""
    seconds = duration_or_zero(node)
    if not seconds:
        raise InvalidValue(f"{describe(node.value)} is no time at all; leave the key out for the default")
    return seconds


def duration_or_zero(node: Node) -> float:
    if not isinstance(node.value, str):
        raise InvalidValue(f'wants a duration like "30s", "20m" or "1h30m", found {describe(node.value)}')
    try:
        seconds = parse_duration(node.value)
    except ValueError as error:
        raise InvalidValue(str(error)) from None
    if seconds > MAX_DURATION_SECONDS:
        raise InvalidValue(f"{describe(node.value)} is more than a year")
    return seconds


def whole_number(low: int, high: int) -> Callable[[Node], int]:
    def read(node: Node) -> int:
        # bool is an int to Python, but `port = true` is a slip.
        if isinstance(node.value, bool) or not isinstance(node.value, int) or not low <= node.value <= high:
            raise InvalidValue(f"wants a whole number from {low} to {high}, found {describe(node.value)}")
        return node.value

    return read


def refuse_repeats(node: Node) -> None:
    """Refuse each text that stands in a list for the second time, by its place there."""
    seen: set[str] = set()
    for item in node.items():
        if isinstance(item.value, str):
            if item.value in seen:
                item.refuse(f"{describe(item.value)} stands here twice")
            seen.add(item.value)


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean "steps"?`, or "" when nothing known is near."""
    candidates = list(known)
    near = get_close_matches(word.lower(), candidates, n=1) or [
        candidate for candidate in candidates if word.startswith(candidate) or (word and candidate.startswith(word))
    ]
    return f'did you mean "{near[0]}"?' if near else ""


def describe(value: object) -> str:
    """A value as a person would name it, cut to a decent length."""
    match value:
        case str():
            shown = value if len(value) <= _MAX_SHOWN_CHARS else value[:_MAX_SHOWN_CHARS] + "…"
            # A variable that is not UTF-8 holds surrogates, which no terminal could print.
            return json.dumps(shown, ensure_ascii=False).encode(errors="backslashreplace").decode()
        case bool():
            return str(value).lower()
        case int() if abs(value) > _MAX_SHOWN_INT:
            # Python refuses to write out the digits of a very large one.
            return "a very large number"
        case int() | float():
            return f"the number {value}"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case dict():
            return "a table"
        case _:
            return f"the date or time {value}"
