"""A connection on its own thread: transactions complete even if the caller is cancelled."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from threading import Event, current_thread
from typing import Any

import aiosqlite
import pytest

from solorun.errors import RunNotFound, StoreFailure, StoreUnavailable
from solorun.stores.sqlite.connection import Connection
from solorun.stores.sqlite.driver import Driver


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Connection]:
    connection = Connection.writer(tmp_path / "some.db")
    await connection.open()
    await connection.transact(lambda raw: raw.execute("CREATE TABLE words (word TEXT)"))
    yield connection
    await connection.close()


def _add(word: str) -> Callable[[sqlite3.Connection], object]:
    return lambda raw: raw.execute("INSERT INTO words VALUES (?)", (word,))


async def _words(connection: Connection) -> list[str]:
    rows = await connection.transact(lambda raw: raw.execute("SELECT word FROM words ORDER BY rowid").fetchall())
    return [word for (word,) in rows]


def _fail_with(name: str) -> Callable[[sqlite3.Connection], None]:
    def fail(raw: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("made by a test")
        error.sqlite_errorname = name
        raise error

    return fail


async def test_aiosqlite_has_the_private_names_that_the_driver_uses(tmp_path: Path) -> None:
    plain = aiosqlite.connect(tmp_path / "some.db")

    async with plain:
        assert isinstance(plain._connection, sqlite3.Connection)
        assert plain._thread.is_alive()
        assert await plain._execute(lambda: 42) == 42  # type: ignore[no-untyped-call]

    assert plain._connection is None


async def test_a_cancelled_open_leaves_no_thread_that_might_outlive_the_event_loop(tmp_path: Path) -> None:
    connection = Connection.writer(tmp_path / "some.db")
    opening = asyncio.create_task(connection.open())
    await asyncio.sleep(0)

    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening

    assert not connection._driver._thread.is_alive()


async def test_the_driver_runs_functions_with_its_connection_on_its_own_daemon_thread() -> None:
    driver = Driver(lambda: sqlite3.connect(":memory:"))

    async with driver:
        thread = await driver.run(lambda raw: current_thread() if raw.execute("SELECT 1").fetchone() else None)

    assert thread is not None
    assert thread is not current_thread()
    assert thread.daemon


async def test_the_driver_closes_the_connection_that_replaced_the_first() -> None:
    first, second = (sqlite3.connect(":memory:", check_same_thread=False) for _ in range(2))
    driver = Driver(lambda: first)

    async with driver:
        await driver.run(lambda raw: driver.replace(second))
        assert await driver.run(lambda raw: raw is second)

    first.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        second.execute("SELECT 1")


@pytest.mark.parametrize(
    ("pragma", "writer_value", "reader_value"),
    [
        ("journal_mode", "wal", "wal"),
        ("synchronous", 2, 2),
        ("busy_timeout", 30_000, 30_000),
        ("foreign_keys", 1, 1),
        ("mmap_size", 0, 0),
        ("wal_autocheckpoint", 1000, 0),
        ("query_only", 0, 1),
    ],
)
async def test_connections_are_set_up(
    writer: Connection, tmp_path: Path, pragma: str, writer_value: object, reader_value: object
) -> None:
    reader = Connection.reader(tmp_path / "some.db")
    await reader.open()

    values = [
        await connection.execute(lambda raw: raw.execute(f"PRAGMA {pragma}").fetchone()[0])
        for connection in (writer, reader)
    ]
    await reader.close()

    assert values == [writer_value, reader_value]


async def test_a_transaction_is_committed_when_its_function_returns(writer: Connection) -> None:
    await writer.transact(_add("a"))

    assert await _words(writer) == ["a"]


async def test_a_transaction_is_rolled_back_when_its_function_raises(writer: Connection) -> None:
    def add_and_fail(raw: sqlite3.Connection) -> None:
        _add("a")(raw)
        raise RunNotFound

    with pytest.raises(RunNotFound):
        await writer.transact(add_and_fail)

    assert await _words(writer) == []


async def test_a_transaction_that_sqlite_rolled_back_is_not_rolled_back_twice(writer: Connection) -> None:
    def lose_transaction(raw: sqlite3.Connection) -> None:
        raw.execute("ROLLBACK")
        _fail_with("SQLITE_FULL")(raw)

    with pytest.raises(StoreUnavailable, match="disk is full"):
        await writer.transact(lose_transaction)

    await writer.transact(_add("a"))
    assert await _words(writer) == ["a"]


async def test_a_cancelled_caller_leaves_no_transaction_open(writer: Connection) -> None:
    begun, proceed = asyncio.Event(), Event()
    loop = asyncio.get_running_loop()

    def add_slowly(raw: sqlite3.Connection) -> None:
        _add("begun")(raw)
        loop.call_soon_threadsafe(begun.set)
        assert proceed.wait(60)

    caller = asyncio.create_task(writer.transact(add_slowly))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    proceed.set()

    assert not await writer.execute(lambda raw: raw.in_transaction)
    assert await _words(writer) == ["begun"]


@pytest.mark.parametrize("name", ["SQLITE_IOERR_WRITE", "SQLITE_READONLY_DBMOVED", "SQLITE_CORRUPT"])
async def test_the_connection_is_reopened_after_a_disk_error(writer: Connection, name: str) -> None:
    await writer.execute(lambda raw: raw.execute("CREATE TEMP TABLE only_of_this_connection (x)"))

    with pytest.raises((StoreUnavailable, StoreFailure)):
        await writer.transact(_fail_with(name))

    await writer.transact(_add("a"))
    assert await _words(writer) == ["a"]
    with pytest.raises(StoreFailure, match="no such table"):
        await writer.transact(lambda raw: raw.execute("SELECT * FROM only_of_this_connection"))


async def test_the_connection_is_kept_after_other_errors(writer: Connection) -> None:
    await writer.execute(lambda raw: raw.execute("CREATE TEMP TABLE only_of_this_connection (x)"))

    with pytest.raises(StoreFailure):
        await writer.transact(_fail_with("SQLITE_ERROR"))

    assert await writer.transact(lambda raw: raw.execute("SELECT * FROM only_of_this_connection").fetchall()) == []


async def test_the_error_is_the_one_of_the_last_write(writer: Connection) -> None:
    with pytest.raises(StoreUnavailable):
        await writer.transact(_fail_with("SQLITE_FULL"))
    failed = writer.error
    await writer.maintain(lambda raw: raw.execute("SELECT 1").fetchall())
    after_maintenance = writer.error

    await writer.transact(_add("a"))

    assert failed is not None
    assert "disk is full" in failed
    assert after_maintenance == failed
    assert writer.error is None


async def test_waiting_counts_unfinished_functions(writer: Connection) -> None:
    proceed = Event()
    work = [asyncio.create_task(writer.execute(lambda raw: proceed.wait(60))) for _ in range(2)]
    await asyncio.sleep(0)
    waiting = writer.waiting

    proceed.set()
    await asyncio.gather(*work)

    assert waiting == 2
    assert writer.waiting == 0


async def test_a_closed_connection_raises(writer: Connection) -> None:
    await writer.close()
    await writer.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        await writer.transact(_add("a"))


async def test_a_connection_that_never_opened_can_be_closed(tmp_path: Path) -> None:
    connection = Connection.writer(tmp_path / "some.db")

    await connection.close()

    with pytest.raises(StoreUnavailable):
        await connection.execute(lambda raw: None)


async def test_a_connection_that_cannot_open_does_not_hang(tmp_path: Path) -> None:
    connection = Connection.writer(tmp_path / "missing" / "some.db")

    with pytest.raises(sqlite3.OperationalError):
        await connection.open()

    await connection.close()


async def test_closing_completes_queued_functions(tmp_path: Path) -> None:
    connection = Connection.writer(tmp_path / "some.db")
    await connection.open()
    work = asyncio.create_task(connection.transact(lambda raw: raw.execute("CREATE TABLE t (x)").fetchall()))
    await asyncio.sleep(0)

    await connection.close()

    assert await work == []


async def test_a_busy_error_while_the_journal_mode_is_set_is_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, refusals = sqlite3.connect, iter(["SQLITE_BUSY", "SQLITE_BUSY_RECOVERY"])

    class Contended(sqlite3.Connection):
        """As when two connections create a database together: the busy timeout does not apply then."""

        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if "journal_mode" in sql and (refusal := next(refusals, None)) is not None:
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorname = refusal
                raise error
            return super().execute(sql, *arguments)

    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, **kwargs, factory=Contended))
    connection = Connection.writer(tmp_path / "some.db")

    await connection.open()

    ((mode,),) = await connection.execute(lambda raw: raw.execute("PRAGMA journal_mode").fetchall())
    await connection.close()
    assert mode == "wal"
    assert next(refusals, None) is None
