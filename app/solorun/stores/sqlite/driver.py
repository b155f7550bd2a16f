"""aiosqlite with a public way to run a function on the connection's thread.

The only file that uses aiosqlite's private names (`_execute`, `_connection`, `_thread`): a version range and a test
guard them.
"""

import sqlite3
from collections.abc import Callable
from typing import TypeVar, cast

import aiosqlite

T = TypeVar("T")


class Driver(aiosqlite.Connection):
    """A connection whose thread runs functions in order, and does not keep the process alive."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connect, iter_chunk_size=64)
        # Python joins all other threads before it calls atexit handlers: a connection left open would block the exit.
        self._thread.daemon = True

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` on the thread. If the caller is cancelled it still runs, and its result is discarded."""
        return cast("T", await self._execute(lambda: function(cast("sqlite3.Connection", self._connection))))  # type: ignore[no-untyped-call]

    def replace(self, connection: sqlite3.Connection) -> None:
        """Use another SQLite connection from now on. Call it on the thread."""
        self._connection = connection

    def join(self, limit_seconds: float) -> None:
        """Wait for the thread to end after `stop()`."""
        self._thread.join(limit_seconds)
