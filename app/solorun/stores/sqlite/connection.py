"""One SQLite connection on a thread of its own, and the only place that reaches into aiosqlite.

aiosqlite has no public way to run a function on its thread: `Connection._execute` is that way (guarded by a version
range and a test). A whole transaction is one such function, so a cancelled caller never leaves one open: the thread
finishes what it began, and only the answer is lost.
"""

import asyncio
import atexit
import sqlite3
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import aiosqlite

from solorun.errors import StoreUnavailable
from solorun.store import StoreFailure
from solorun.stores.sqlite.errors import DRIVER_ERRORS, is_busy, needs_reopening, translate

T = TypeVar("T")

BUSY_TIMEOUT_SECONDS: Final = 30.0
BEGIN_WRITE: Final = "BEGIN IMMEDIATE"
BEGIN_READ: Final = "BEGIN"
SLOW_SECONDS: Final = 3.0
"""A function that takes longer than this waits for somebody's lock, or for a disk that does not answer."""
_EXIT_LIMIT_SECONDS: Final = 1.0
_SETTING_RETRY_SECONDS: Final = 0.01

_COMMON_PRAGMAS: Final = ("synchronous = FULL", "foreign_keys = ON", "mmap_size = 0")
WRITER_PRAGMAS: Final = ("journal_mode = WAL", *_COMMON_PRAGMAS, "wal_autocheckpoint = 1000")
# One connection alone checkpoints: two that do it at once are what SQLite's WAL-reset bug needs (see versions.py).
READER_PRAGMAS: Final = (*_COMMON_PRAGMAS, "wal_autocheckpoint = 0", "query_only = ON")


class Connection:
    """A connection that executes one function after another, each a transaction."""

    def __init__(self, path: Path, *, pragmas: tuple[str, ...], begin: str) -> None:
        self._error: str | None = None
        self._begun_at: float | None = None
        self._path = path
        self._place: tuple[int, int] | None = None
        """Which file was opened: another one in its place is not ours."""
        self._pragmas = pragmas
        self._begin = begin
        self._is_open = False
        self._must_reopen = False
        self._queued = 0  # counted up by the loop's thread alone
        self._finished = 0  # counted up by the connection's thread alone
        self._driver = aiosqlite.Connection(self._connect, iter_chunk_size=64)
        # Python joins other threads before it calls anybody at exit: a forgotten connection would hang it for ever.
        self._driver._thread.daemon = True

    @classmethod
    def writer(cls, path: Path) -> "Connection":
        """Its transactions take the write lock at once: one that reads first could not take it later."""
        return cls(path, pragmas=WRITER_PRAGMAS, begin=BEGIN_WRITE)

    @classmethod
    def reader(cls, path: Path) -> "Connection":
        """Its transactions each see one moment."""
        return cls(path, pragmas=READER_PRAGMAS, begin=BEGIN_READ)

    @property
    def error(self) -> str | None:
        """Why the last function failed, or why the present one does not end; None when all goes well."""
        begun_at = self._begun_at
        if begun_at is not None and (seconds := time.monotonic() - begun_at) > SLOW_SECONDS:
            return f"The database has not answered for {seconds:.0f} s."
        return self._error

    @property
    def waiting(self) -> int:
        """How many functions have not finished yet."""
        return self._queued - self._finished

    async def open(self) -> None:
        """Raises the driver's errors."""
        _open_connections.add(self)
        try:
            await self._driver
        except Exception:
            # The driver is stopping its thread; it would speak to a loop that may be closed by then.
            self.join(_EXIT_LIMIT_SECONDS)
            raise
        self._is_open = True

    async def transact(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Execute `function` in a transaction on the connection's thread: committed when it returns, else undone.

        A function begun before the caller was cancelled is carried through. Driver errors are translated.
        """
        return await self.execute(lambda connection: in_transaction(connection, self._begin, function))

    async def execute(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Execute `function` on the connection's thread without a transaction, for what cannot be in one."""
        return await self._submit(function, self._note_error)

    async def maintain(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """As `execute`, for what is no write: `error` stays as it is."""
        return await self._submit(function, self._ignore_error)

    async def close(self) -> None:
        """Finish what is queued, then close. Once begun it is carried through, whatever becomes of the caller.

        Safe twice, and when it was never open.
        """
        if not self._is_open:
            return
        self._is_open = False
        future = self._driver.stop()
        if future is not None:
            await asyncio.shield(future)
        _open_connections.discard(self)

    def stop(self) -> None:
        """Close from outside of any loop, at exit."""
        self._driver.stop()

    def join(self, limit_seconds: float) -> None:
        self._driver._thread.join(limit_seconds)

    async def _submit(self, function: Callable[[sqlite3.Connection], T], note: Callable[[str | None], None]) -> T:
        if not self._is_open:
            raise StoreUnavailable("The store is closed.")
        self._queued += 1
        return await self._driver._execute(self._work, function, note)  # type: ignore[no-any-return, no-untyped-call]

    # -- on the connection's thread

    def _work(self, function: Callable[[sqlite3.Connection], T], note: Callable[[str | None], None]) -> T:
        self._begun_at = time.monotonic()
        try:
            result = function(self._usable_connection())
        except DRIVER_ERRORS as error:
            self._must_reopen = self._must_reopen or needs_reopening(error)
            fault = translate(error)
            note(fault.message)
            raise fault from error
        except (StoreFailure, _FileGone) as failure:
            note(failure.message)
            raise
        else:
            note(None)
            return result
        finally:
            self._begun_at = None
            self._finished += 1

    def _note_error(self, message: str | None) -> None:
        self._error = message

    def _ignore_error(self, message: str | None) -> None:
        pass

    def _usable_connection(self) -> sqlite3.Connection:
        if self._find_place() != self._place:
            # SQLite would go on writing to a file that no later start will find.
            raise _FileGone(f"The database is not available: {self._path.name} was moved, deleted or replaced.")
        if self._must_reopen:
            self._driver._conn.close()
            self._driver._connection = self._connect()
            self._must_reopen = False
        return self._driver._conn

    def _find_place(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _connect(self) -> sqlite3.Connection:
        # Only the first time is a file made that is not there.
        mode = "rwc" if self._place is None else "rw"
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            cached_statements=256,
        )
        try:
            for pragma in self._pragmas:
                _set(connection, pragma)
        except BaseException:
            connection.close()
            raise
        self._place = self._find_place()
        return connection


class _FileGone(StoreUnavailable):
    """The database's file is not where it was opened."""


def in_transaction(connection: sqlite3.Connection, begin: str, function: Callable[[sqlite3.Connection], T]) -> T:
    """Execute `function` between `begin` and COMMIT, on the connection's thread; ROLLBACK if it raises."""
    connection.execute(begin)
    try:
        result = function(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite undoes some failed transactions itself
            connection.execute("ROLLBACK")
        raise
    return result


def _set(connection: sqlite3.Connection, pragma: str) -> None:
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}").close()
        except sqlite3.OperationalError as error:
            # Two that give a new database its journal at the same moment refuse each other at once: SQLite does not
            # let one wait that would wait for the other.
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(_SETTING_RETRY_SECONDS)
        else:
            return


_open_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


@atexit.register
def _stop_forgotten_connections() -> None:
    deadline = time.monotonic() + _EXIT_LIMIT_SECONDS
    forgotten = list(_open_connections)
    for connection in forgotten:
        connection.stop()
    for connection in forgotten:
        connection.join(max(0.0, deadline - time.monotonic()))
