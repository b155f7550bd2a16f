"""Reads text on the command line as UTF-8, whatever the locale. Paths stay as they are, because they are bytes."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec

P = ParamSpec("P")

_PATHS: Final = ("output", "token_file")
"""The paths among the parameters of type `str`."""


def with_text_arguments(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap `command` so that it gets its text arguments decoded."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        for name, value in kwargs.items():
            if name not in _PATHS:
                kwargs[name] = _decode(value)
        command(*args, **kwargs)

    return run


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
