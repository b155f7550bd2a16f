"""A few PostgreSQL connections, each with its own thread. A transaction is one function that a free thread executes.

A cancelled caller never leaves a transaction open: the thread completes it, and only the result is lost.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, Final, ParamSpec, TypeVar

import psycopg

from solorun.errors import StoreFailure, StoreUnavailable
from solorun.stores.postgres.connect import complete, connect, end_stalled_sessions
from solorun.stores.postgres.errors import DRIVER_ERRORS, translate
from solorun.stores.postgres.statements import OWN, Statements

P = ParamSpec("P")
T = TypeVar("T")
Function = Callable[Concatenate[Statements, P], T]

BEGIN_WRITE: Final = "BEGIN"
BEGIN_IN_TURN: Final = "BEGIN; " + OWN["wait_for_turn"]
"""With a lock: one transaction at a time starts and promotes runs. This also makes ids increase in that order."""
BEGIN_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SLOW_SECONDS: Final = 3.0
"""A function that takes longer is waiting for a lock, or for a server that does not respond."""


class Connections:
    """Up to `count` connections that execute functions in transactions which begin with `begin`."""

    def __init__(self, url: str, *, begin: str, count: int) -> None:
        self._conninfo = complete(url)
        self._begin = begin
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="solorun postgres")
        self._local = threading.local()
        self._opened: set[psycopg.Connection] = set()
        self._begun_at: dict[int, float] = {}
        self._error: str | None = None
        self.waiting = 0
        """How many functions have not finished yet."""
        self._is_open = True

    @property
    def error(self) -> str | None:
        """Why the last function failed, or that one does not finish; None if neither is true."""
        begun_at = min(list(self._begun_at.values()), default=None)
        if begun_at is not None and (seconds := time.monotonic() - begun_at) > _SLOW_SECONDS:
            return f"The database has not responded for {seconds:.0f} s."
        return self._error

    async def transact(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Execute `function` in a transaction: committed when it returns, rolled back when it raises.

        Once it has begun it completes, even if the caller is cancelled. Raises driver errors translated.
        """
        return await self.transact_prepared(lambda: lambda connection: function(connection, *args, **kwargs))

    async def transact_prepared(self, prepare: Callable[[], Function[[], T]], *, begin: str | None = None) -> T:
        """Like `transact`, with the function that `prepare` returns on the thread, before the transaction begins.

        It begins with `begin`, or as all do.
        """
        if not self._is_open:
            raise StoreUnavailable("The store is closed.")
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._execute, prepare, begin or self._begin
            )
        finally:
            self.waiting -= 1

    async def close(self) -> None:
        """Finish what has begun, then close. Safe to call twice."""
        self._is_open = False
        await asyncio.to_thread(self._threads.shutdown)
        while self._opened:
            self._opened.pop().close()

    # -- on a thread

    def _execute(self, prepare: Callable[[], Function[[], T]], begin: str) -> T:
        thread = threading.get_ident()
        self._begun_at[thread] = time.monotonic()
        try:
            result = self._transact(prepare(), begin)
        except DRIVER_ERRORS as error:
            if isinstance(error, psycopg.errors.LockNotAvailable):
                end_stalled_sessions(self._local.connection)
            translated = translate(error)
            self._error = translated.message
            raise translated from error
        except (StoreFailure, StoreUnavailable) as error:
            self._error = error.message
            raise
        else:
            self._error = None
            return result
        finally:
            del self._begun_at[thread]

    def _transact(self, function: Function[[], T], begin: str) -> T:
        connection = self._begin_transaction(begin)
        try:
            result = function(Statements(connection))
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise
        return result

    def _begin_transaction(self, begin: str) -> psycopg.Connection:
        connection: psycopg.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                _begin(connection, begin)
            except psycopg.errors.LockNotAvailable:
                raise
            except psycopg.OperationalError:
                # The server has closed the connection since its last use: a restart, or a failover.
                connection.close()
                self._opened.discard(connection)
            else:
                return connection
        connection = self._local.connection = connect(self._conninfo)
        self._opened.add(connection)
        _begin(connection, begin)
        return connection


def _begin(connection: psycopg.Connection, begin: str) -> None:
    try:
        connection.execute(begin)
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: psycopg.Connection) -> None:
    if not connection.closed:
        connection.execute("ROLLBACK")
