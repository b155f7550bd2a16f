"""How the parts of a SqlRunStore reach the database. Each call is one function that a thread executes."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from solorun.stores.sql.connection import Connection

P = ParamSpec("P")
T = TypeVar("T")


class SqlTransactions(ABC):
    """Implemented for each database."""

    @abstractmethod
    async def _write(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Execute `function` in a transaction that writes. It completes even if the caller is cancelled."""

    @abstractmethod
    async def _write_in_turn(
        self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like `_write`, alone: what the function reads about starts and resources does not change until it ends."""

    @abstractmethod
    async def _write_prepared(self, prepare: Callable[[], Callable[[Connection], T]], *, in_turn: bool) -> T:
        """Like `_write`, with the function that `prepare` returns, which is called before the transaction begins."""

    @abstractmethod
    async def _read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Execute `function` in a transaction that reads one snapshot."""
