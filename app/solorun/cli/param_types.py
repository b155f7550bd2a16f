"""Readers of options' values. The command line's framework has its own, whose messages speak of its inner life."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

import typer

E = TypeVar("E", bound=StrEnum)


def whole_number(low: int) -> Callable[[str | int], int]:
    """A reader of whole numbers from `low` on."""

    def read(value: str | int) -> int:
        try:
            number = int(value)
        except ValueError:
            raise typer.BadParameter(f'"{value}" is not a whole number.') from None
        if number < low:
            raise typer.BadParameter(f"{number} is less than {low}.")
        return number

    return read


def one_of(words: type[E]) -> Callable[[str], E]:
    """A reader of one of these words."""

    def read(value: str) -> E:
        try:
            return words(value)
        except ValueError:
            raise typer.BadParameter(f'"{value}" is not one of {", ".join(words)}.') from None

    return read
