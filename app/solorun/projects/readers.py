"""The readers of plain values, which the tables of solorun.toml share."""

import re
import stat
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from solorun.project import NAME_PATTERN, NAME_RULE
from solorun.projects.validation import InvalidValue, Node, format_value, table_of
from solorun.settings import parse_duration, parse_size

T = TypeVar("T")
N = TypeVar("N", int, float)
E = TypeVar("E", bound=StrEnum)

_WORD: Final = {"-": re.compile(r"[a-z0-9_-]+"), "_": re.compile(r"[a-z0-9_]+")}
"""What a suggested name keeps, by what joins it."""
MAX_DURATION_SECONDS: Final = 366 * 86400.0
MAX_LONG_DURATION_SECONDS: Final = 100 * MAX_DURATION_SECONDS


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


def name(
    kind: str, pattern: re.Pattern[str] = NAME_PATTERN, rule: str = NAME_RULE, *, joiner: str = ""
) -> Callable[[Node], str]:
    """A reader of names of this kind: "step name". Suggestions have a `joiner`, "-" or "_", for other characters."""

    def read(node: Node) -> str:
        found = node.value if isinstance(node.value, str) else text(node)
        if pattern.fullmatch(found):
            return found
        better = joiner.join(_WORD[joiner].findall(found.lower())).strip(joiner) if joiner else ""
        hint = f'; did you mean "{better}"?' if pattern.fullmatch(better) else ""
        raise InvalidValue(f"{format_value(found)} is not a valid {kind} ({rule}){hint}")

    return read


def named(read_name: Callable[[Node], str], reader: Callable[[str, Node], T]) -> Callable[[Node], Mapping[str, T]]:
    """A reader of a table whose keys are names, in its order. `reader` gets each name and its value."""

    def read(node: Node) -> Mapping[str, T]:
        found = {}
        for key in table_of(node):
            node.key(key).read(read_name, None)
            if (item := node.below(key).read(partial(reader, key), None)) is not None:
                found[key] = item
        return MappingProxyType(found)

    return read


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


def size(node: Node) -> int:
    """Bytes, greater than zero."""
    return _not_zero(_parse(node, parse_size, 'a size like "500MB" or "1GiB"'))


def _duration(node: Node, limit_seconds: float, limit: str) -> float:
    seconds = _parse(node, parse_duration, 'a duration like "30s", "20m" or "1h30m"')
    if seconds > limit_seconds:
        raise InvalidValue(f"{format_value(node.value)} is longer than {limit}")
    return seconds


def _parse(node: Node, parse: Callable[[str], N], expected: str) -> N:
    if not isinstance(node.value, str):
        raise InvalidValue(f"expected {expected}, got {format_value(node.value)}")
    try:
        return parse(node.value)
    except ValueError as error:
        raise InvalidValue(str(error)) from None


def _not_zero(number: N) -> N:
    if not number:
        raise InvalidValue("must be greater than zero; omit the key to use the default")
    return number


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
