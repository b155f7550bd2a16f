"""Parsers of option values. The built-in ones of Typer produce error messages about their internals."""

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeVar

import typer

from solorun.project import NAME_PATTERN, NAME_RULE
from solorun.settings import MAX_PORT

E = TypeVar("E", bound=StrEnum)


def whole_number(minimum: int, maximum: float = math.inf) -> Callable[[str | int], int]:
    """A parser of whole numbers from `minimum` to `maximum`."""

    def parse(value: str | int) -> int:
        try:
            number = int(value)
        except ValueError:
            raise typer.BadParameter(f'"{value}" is not a whole number.') from None
        if number < minimum:
            raise typer.BadParameter(f"{number} is less than {minimum}.")
        if number > maximum:
            raise typer.BadParameter(f"{number} is greater than {maximum}.")
        return number

    return parse


port_number: Final = whole_number(0, MAX_PORT)
"""Parses a port; 0 means a free one."""


def one_of(values: type[E]) -> Callable[[str], E]:
    """A parser of one of these values."""

    def parse(value: str) -> E:
        try:
            return values(value)
        except ValueError:
            raise typer.BadParameter(f'"{value}" is not one of {", ".join(values)}.') from None

    return parse


def labels(text: str) -> tuple[str, ...]:
    """The labels of a worker, sorted: "gpu,eu"."""
    names = {name.strip() for name in text.split(",")}
    for name in names:
        if not NAME_PATTERN.fullmatch(name):
            raise typer.BadParameter(f'"{name}" is not a label ({NAME_RULE}).', param_hint="'--labels'")
    return tuple(sorted(names))
