"""Declares an operation of the API above the function that handles it."""

from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec

from solorun.api.state import State
from solorun.http.operation import Handler, Operation

P = ParamSpec("P")
Declare = Callable[Concatenate[str, P], Callable[[Handler[State]], Operation[State]]]


def _decorator(kind: Callable[Concatenate[str, Handler[State], P], Operation[State]]) -> Declare[P]:
    def declare(address: str, /, *args: P.args, **kwargs: P.kwargs) -> Callable[[Handler[State]], Operation[State]]:
        return lambda handler: kind(address, handler, *args, **kwargs)

    return declare


route: Final = _decorator(Operation)
"""Takes the arguments of an Operation, and puts that into the place of the handler."""
