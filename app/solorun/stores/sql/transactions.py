"""How a SqlRunStore reaches the database. Each of its calls is one function that a thread executes in a transaction."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from solorun.stores.sql.connection import Connection

P = ParamSpec("P")
T = TypeVar("T")
Function = Callable[Concatenate[Connection, P], T]
Method = Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]


class SqlTransactions(ABC):
    """Implemented for each database."""

    @abstractmethod
    async def _write_prepared(self, prepare: Callable[[], Function[[], T]], *, in_turn: bool = False) -> T:
        """Execute what `prepare` returns in a transaction that writes. It completes even if the caller is cancelled.

        `prepare` is called before the transaction begins. With `in_turn`, what the function reads about starts and
        resources does not change until it ends.
        """

    @abstractmethod
    async def _read(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Execute `function` in a transaction that reads one snapshot."""


def reading(function: Function[P, T]) -> Method[P, T]:
    """A method that executes `function` with `_read`."""

    async def method(self: SqlTransactions, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._read(function, *args, **kwargs)

    return method


def writing(function: Function[P, T], *, in_turn: bool = False) -> Method[P, T]:
    """A method that executes `function` with `_write_prepared`."""

    async def method(self: SqlTransactions, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._write_prepared(
            lambda: lambda connection: function(connection, *args, **kwargs), in_turn=in_turn
        )

    return method


def writing_in_turn(function: Function[P, T]) -> Method[P, T]:
    return writing(function, in_turn=True)
