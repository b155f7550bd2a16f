"""One SQLite connection with its own thread, which executes one function after another.

A transaction is one function, so a cancelled caller never leaves one open: the thread completes it, and the result is
discarded.
"""

import asyncio
import atexit
import sqlite3
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, Self, TypeVar

from solorun.errors import StoreFailure, StoreUnavailable
from solorun.stores.sqlite.driver import Driver
from solorun.stores.sqlite.errors import DRIVER_ERRORS, is_busy, needs_reopening, translate

P = ParamSpec("P")
T = TypeVar("T")
Function = Callable[Concatenate[sqlite3.Connection, P], T]

LOCK_TIMEOUT_SECONDS: Final = 30.0
BEGIN_WRITE: Final = "BEGIN IMMEDIATE"
BEGIN_READ: Final = "BEGIN"
_LOCK_SLICE_SECONDS: Final = 1.0
"""A wait for the lock is cut into slices of this length, because SQLite's own wait cannot be interrupted."""
_SLOW_SECONDS: Final = 3.0
"""A function that takes longer is waiting for a lock, or for a disk that does not respond."""
_EXIT_LIMIT_SECONDS: Final = 1.0
_PRAGMA_RETRY_SECONDS: Final = 0.01

_COMMON_PRAGMAS: Final = ("synchronous = FULL", "foreign_keys = ON", "mmap_size = 0")
# A deleted secret must not remain in the file. (Some distributions compile SQLite with this default.)
_WRITER_PRAGMAS: Final = (
    # Must come first: it applies to a database that is still empty.
    *("auto_vacuum = INCREMENTAL", "journal_mode = WAL", *_COMMON_PRAGMAS),
    *("wal_autocheckpoint = 1000", "secure_delete = ON"),
)
# Only the writer checkpoints: SQLite's WAL-reset bug requires two connections that do (see version_check.py).
_READER_PRAGMAS: Final = (*_COMMON_PRAGMAS, "wal_autocheckpoint = 0", "query_only = ON")


class Connection:
    """A connection that executes functions in order. Made by `writer` or `reader`."""

    def __init__(self, path: Path, *, pragmas: tuple[str, ...], begin: str, lock_timeout_seconds: float) -> None:
        self._path = path
        self._pragmas = pragmas
        self._begin = begin
        self._lock_timeout_seconds = lock_timeout_seconds
        self._file_id: tuple[int, int] | None = None
        """Identifies the file that was opened. A different file at the same path is not this database."""
        self._error: str | None = None
        self._begun_at: float | None = None
        self._is_open = False
        self._is_patient = True
        self._must_reopen = False
        self._queued = 0  # written by the event loop's thread only
        self._finished = 0  # written by the connection's thread only
        self._driver = Driver(self._connect)

    @classmethod
    def writer(cls, path: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> Self:
        """Its transactions take the write lock when they begin, because after a read they might no longer get it."""
        return cls(path, pragmas=_WRITER_PRAGMAS, begin=BEGIN_WRITE, lock_timeout_seconds=lock_timeout_seconds)

    @classmethod
    def reader(cls, path: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> Self:
        """Each of its transactions reads one snapshot."""
        return cls(path, pragmas=_READER_PRAGMAS, begin=BEGIN_READ, lock_timeout_seconds=lock_timeout_seconds)

    @classmethod
    def copier(cls, path: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> Self:
        """Like a reader, but it may write the database to another file."""
        pragmas = tuple(pragma for pragma in _READER_PRAGMAS if not pragma.startswith("query_only"))
        return cls(path, pragmas=pragmas, begin=BEGIN_READ, lock_timeout_seconds=lock_timeout_seconds)

    @property
    def error(self) -> str | None:
        """Why the last function failed, or how long the current one has not responded; None if neither applies."""
        begun_at = self._begun_at
        if begun_at is not None and (seconds := time.monotonic() - begun_at) > _SLOW_SECONDS:
            return f"The database has not responded for {seconds:.0f} s."
        return self._error

    @property
    def waiting(self) -> int:
        """How many functions have not finished yet."""
        return self._queued - self._finished

    async def open(self) -> None:
        """Raises the driver's errors."""
        _open_drivers.add(self._driver)
        try:
            await self._driver
        except BaseException:
            # The thread is stopping. It would otherwise call into an event loop that may be closed by then.
            self._driver.join(_EXIT_LIMIT_SECONDS)
            raise
        self._is_open = True

    async def transact(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Execute `function` in a transaction: committed when it returns, rolled back when it raises.

        Once it has begun it completes, even if the caller is cancelled. Raises driver errors translated.
        """
        return await self.execute(lambda connection: self.in_transaction(connection, function, *args, **kwargs))

    async def execute(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Execute `function` without a transaction, for statements that cannot run in one."""
        return await self._submit(lambda connection: function(connection, *args, **kwargs), sets_error=True)

    async def maintain(self, function: Function[[], T]) -> T:
        """Like `execute`, but does not change `error`, for work that is not a write."""
        return await self._submit(function, sets_error=False)

    def stop_waiting(self) -> None:
        """Before a close, make a transaction that is waiting for another program's lock fail within a second.

        Functions queued behind a failed one fail too, because each might wait for the same lock.
        """
        self._is_patient = False

    async def close(self) -> None:
        """Finish what is queued, then close. Once begun it completes, even if the caller is cancelled.

        Safe to call twice, and on a connection that was never open.
        """
        if not self._is_open:
            return
        self._is_open = False
        future = self._driver.stop()
        if future is not None:
            await asyncio.shield(future)
        _open_drivers.discard(self._driver)

    async def _submit(self, function: Function[[], T], *, sets_error: bool) -> T:
        if not self._is_open:
            raise StoreUnavailable("The store is closed.")
        self._queued += 1
        return await self._driver.run(lambda connection: self._execute(connection, function, sets_error=sets_error))

    # -- on the connection's thread

    def in_transaction(
        self, connection: sqlite3.Connection, function: Function[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like `transact`, for a caller that is already executing on this connection's thread."""
        if self._begin == BEGIN_WRITE:
            self._take_write_lock(connection)
        else:
            connection.execute(self._begin)
        return _complete(connection, function, *args, **kwargs)

    def _take_write_lock(self, connection: sqlite3.Connection) -> None:
        seconds = min(_LOCK_SLICE_SECONDS, self._lock_timeout_seconds)
        connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}").close()
        try:
            self._execute_when_free(connection, BEGIN_WRITE)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {int(self._lock_timeout_seconds * 1000)}").close()

    def _execute_when_free(self, connection: sqlite3.Connection, statement: str, *, pause_seconds: float = 0.0) -> None:
        """Retry while another connection holds the lock, up to the limit."""
        deadline = time.monotonic() + self._lock_timeout_seconds
        while True:
            try:
                connection.execute(statement).close()
            except sqlite3.OperationalError as error:
                if not is_busy(error) or not self._is_patient or time.monotonic() >= deadline:
                    raise
                time.sleep(pause_seconds)
            else:
                return

    def _execute(self, connection: sqlite3.Connection, function: Function[[], T], *, sets_error: bool) -> T:
        """With `sets_error`, keeps the failure, or its absence, in `error`."""
        failure = self._error
        self._begun_at = time.monotonic()
        try:
            if not self._is_patient and self._error is not None:
                raise StoreUnavailable(self._error)
            result = function(self._check(connection))
            failure = None
            return result
        except DRIVER_ERRORS as error:
            self._must_reopen = self._must_reopen or needs_reopening(error)
            translated = translate(error)
            failure = translated.message
            raise translated from error
        except (StoreFailure, StoreUnavailable) as error:
            failure = error.message
            raise
        finally:
            if sets_error:
                self._error = failure
            self._begun_at = None
            self._finished += 1

    def _check(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """The connection to use: this one, or a new one after an error that left it unreliable."""
        if self._find_file_id() != self._file_id:
            # SQLite would keep writing to a file that no later start will find.
            raise StoreUnavailable(f"The database is not available: {self._path.name} was moved, deleted or replaced.")
        if self._must_reopen:
            connection.close()
            connection = self._connect()
            self._driver.replace(connection)
            self._must_reopen = False
        return connection

    def _find_file_id(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _connect(self) -> sqlite3.Connection:
        # A missing file is created only when the database is first opened.
        mode = "rwc" if self._file_id is None else "rw"
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=self._lock_timeout_seconds,
            isolation_level=None,
            cached_statements=256,
        )
        try:
            for pragma in self._pragmas:
                # Two connections that set a new database's journal mode at the same moment are refused immediately:
                # SQLite does not wait where waiting could deadlock.
                self._execute_when_free(connection, f"PRAGMA {pragma}", pause_seconds=_PRAGMA_RETRY_SECONDS)
        except BaseException:
            connection.close()
            raise
        self._file_id = self._find_file_id()
        return connection


def in_transaction(
    connection: sqlite3.Connection, begin: str, function: Function[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Execute `function` between `begin` and COMMIT, on the connection's thread; ROLLBACK if it raises."""
    connection.execute(begin)
    return _complete(connection, function, *args, **kwargs)


def _complete(connection: sqlite3.Connection, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        result = function(connection, *args, **kwargs)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite rolls some failed transactions back itself
            connection.execute("ROLLBACK")
        raise
    return result


_open_drivers: weakref.WeakSet[Driver] = weakref.WeakSet()


@atexit.register
def _stop_open_drivers() -> None:
    """Close from outside an event loop, when the process exits."""
    deadline = time.monotonic() + _EXIT_LIMIT_SECONDS
    drivers = list(_open_drivers)
    for driver in drivers:
        driver.stop()
    for driver in drivers:
        driver.join(max(0.0, deadline - time.monotonic()))
