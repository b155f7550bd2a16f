"""Reads text on the command line as UTF-8, whatever the locale. Paths stay as they are, because they are bytes."""

import os
from collections.abc import Mapping
from typing import Any, Final

_PATHS: Final = ("output", "token_file")
"""The paths among the parameters of type `str`."""


def decode_texts(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a command, with decoded texts."""
    return {name: value if name in _PATHS else _decode(value) for name, value in arguments.items()}


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    # A member of an enumeration is a str too.
    if type(value) is not str:
        return value
    try:
        return os.fsencode(value).decode()
    except UnicodeError:
        return value  # An argument in the encoding of the locale.
