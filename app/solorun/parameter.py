"""A parameter as a project declares it, and how its value is read from JSON or from text. Frozen values."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import msgspec

ParamValue = str | int | float | bool | tuple[str, ...]

MAX_PARAM_BYTES: Final = 4 * 1024
MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON parser reads exactly, the browser's included."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
_BOOLEANS: Final = {"true": True, "false": False}
_NO_TEXT: Final = "must be text without NUL"


class ParameterType(StrEnum):
    """The type of a parameter's value."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    LIST = "list"


class InvalidParameter(ValueError):
    """The value is invalid. The message says what is expected, and never contains the value."""


class Parameter(msgspec.Struct, frozen=True):
    """A parameter that a start may set.

    `choices` are the values of a `choice`. The whole of a `string` must match `pattern`, in the syntax of RE2. `min`
    and `max` are inclusive, for an `integer` or a `number`. The value of a `secret` is masked, and not kept.
    """

    name: str
    type: ParameterType = ParameterType.STRING
    required: bool = False
    description: str = ""
    default: ParamValue | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    pattern: str | None = None
    min: int | float | None = None
    max: int | float | None = None

    def read(self, value: object) -> ParamValue:
        """The value of a start, given as JSON or as text. Raises InvalidParameter."""
        if isinstance(value, list | tuple) and self.type is not ParameterType.LIST:
            raise InvalidParameter("must be one value, not a list")
        found = _READERS[self.type](value)
        if self.type is ParameterType.CHOICE and found not in self.choices:
            raise InvalidParameter(f"must be one of {', '.join(self.choices)}")
        if isinstance(found, int | float):
            if self.min is not None and found < self.min:
                raise InvalidParameter(f"must be at least {self.min}")
            if self.max is not None and found > self.max:
                raise InvalidParameter(f"must be at most {self.max}")
        if self.pattern is not None and not matches(self.pattern, str(found)):
            raise InvalidParameter(f"must match {self.pattern}")
        return found


def format_param(value: ParamValue) -> str:
    """The value as text, which `read` reads back: `true`, `0.5`, and the items of a list one per line."""
    if isinstance(value, str):
        return value
    return "\n".join(value) if isinstance(value, tuple) else json.dumps(value)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches, in linear time. Raises InvalidParameter if the pattern is invalid."""
    return _compile(pattern).fullmatch(text) is not None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> Any:
    # Python's `re` can take forever for a pattern that looks harmless, with the whole service waiting.
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        raise InvalidParameter(reason.decode() if isinstance(reason, bytes) else str(reason)) from None


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidParameter("must be text")
    if "\0" in value:
        raise InvalidParameter(_NO_TEXT)
    try:
        size_bytes = len(value.encode())
    except UnicodeEncodeError:  # a lone surrogate, as an undecodable argument has
        raise InvalidParameter(_NO_TEXT) from None
    if size_bytes > MAX_PARAM_BYTES:
        raise InvalidParameter(f"is longer than {MAX_PARAM_BYTES} bytes")
    return value


def _integer(value: object) -> int:
    if isinstance(value, str) and len(value) <= MAX_PARAM_BYTES and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidParameter("must be an integer")
    if abs(value) > MAX_INTEGER:
        raise InvalidParameter(f"must be from -{MAX_INTEGER} to {MAX_INTEGER}")
    return value


def _number(value: object) -> int | float:
    if isinstance(value, str) and len(value) <= MAX_PARAM_BYTES and _NUMBER.fullmatch(value):
        value = int(value) if _INTEGER.fullmatch(value) else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidParameter("must be a number")
    if isinstance(value, int) and abs(value) <= MAX_INTEGER:
        return value
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidParameter("must be a finite number")
    return number


def _boolean(value: object) -> bool:
    found = _BOOLEANS.get(value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise InvalidParameter("must be true or false")
    return found


def _list(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [line.strip() for line in value.split("\n") if line.strip()]
    if not isinstance(value, Sequence):
        raise InvalidParameter("must be a list of text, or text with an item on each line")
    for number, item in enumerate(value, start=1):
        if not isinstance(item, str) or not item.strip() or "\n" in item:
            raise InvalidParameter(f"item {number} must be one line of text")
    _string("\n".join(value))
    return tuple(value)


_READERS: Final[Mapping[ParameterType, Callable[[object], ParamValue]]] = {
    ParameterType.STRING: _string,
    ParameterType.INTEGER: _integer,
    ParameterType.NUMBER: _number,
    ParameterType.BOOLEAN: _boolean,
    ParameterType.CHOICE: _string,
    ParameterType.LIST: _list,
}
