"""The write-ahead log is emptied after a pause in writing, and a warning is logged when it grows."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

import pytest

from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.sqlite.checkpointer import Checkpointer
from solorun.stores.sqlite.connection import Connection
from solorun.stores.sqlite.version_check import describe_wal_reset_bug, has_wal_reset_bug
from tests.contracts.builders import records, start, write
from tests.fakes.stepped_loop import SteppedLoop, run_stepped

T = TypeVar("T")


class CountingConnection(Connection):
    """Counts the checkpoints."""

    checkpoints = 0

    async def maintain(self, function: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await super().maintain(function)
        finally:
            self.checkpoints += 1


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@asynccontextmanager
async def _open_writer(database: Path) -> AsyncIterator[CountingConnection]:
    connection = CountingConnection.writer(database)
    await connection.open()
    await connection.transact(lambda raw: raw.execute("CREATE TABLE words (word TEXT)"))
    yield connection
    await connection.close()


@pytest.fixture
async def writer(database: Path) -> AsyncIterator[CountingConnection]:
    async with _open_writer(database) as connection:
        yield connection


@pytest.fixture
def reader(database: Path, writer: Connection) -> Iterator[sqlite3.Connection]:
    """Another program that keeps a read transaction open."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM words").fetchall()
        yield connection


async def _write(writer: Connection, checkpointer: Checkpointer) -> None:
    await writer.transact(lambda raw: raw.execute("INSERT INTO words VALUES ('word')"))
    checkpointer.record_write()


def _wal_bytes(database: Path) -> int:
    return database.with_name("some.db-wal").stat().st_size


async def _until(predicate: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not predicate():
            await asyncio.sleep(0)


async def test_the_log_is_emptied_after_a_pause_in_writing(database: Path, writer: CountingConnection) -> None:
    checkpointer = Checkpointer(database, writer, idle_seconds=0.1)
    await _write(writer, checkpointer)
    grown = _wal_bytes(database)

    await _until(lambda: writer.checkpoints == 1)

    assert grown > 0
    assert _wal_bytes(database) == 0
    await checkpointer.stop()


def test_the_pause_begins_with_the_last_write(database: Path) -> None:
    async def write_twice(loop: SteppedLoop) -> list[int]:
        async with _open_writer(database) as writer:
            checkpointer = Checkpointer(database, writer, idle_seconds=1)
            await _write(writer, checkpointer)
            await loop.advance(0.9)
            checkpointer.record_write()
            await loop.advance(0.9)
            counts = [writer.waiting, writer.checkpoints]
            await loop.advance(0.2)
            await _until(lambda: writer.checkpoints == 1)
            await checkpointer.stop()
            return counts

    assert run_stepped(write_twice) == [0, 0]


async def test_a_checkpoint_does_not_wait_for_a_reader(
    database: Path, writer: CountingConnection, reader: sqlite3.Connection
) -> None:
    checkpointer = Checkpointer(database, writer)
    await _write(writer, checkpointer)

    async with asyncio.timeout(60):
        await checkpointer.checkpoint()

    assert await writer.execute(lambda raw: raw.execute("PRAGMA busy_timeout").fetchone()) == (30_000,)
    await checkpointer.stop()


async def test_a_failed_checkpoint_is_not_a_write_error(database: Path, writer: CountingConnection) -> None:
    await writer.close()

    await Checkpointer(database, writer).checkpoint()

    assert writer.error is None


async def test_closing_the_store_leaves_no_log_behind(store: SqliteRunStore, data_dir: Path) -> None:
    await write(store, await start(store), records(1, 100))

    await store.close()

    assert [path.name for path in data_dir.iterdir()] == ["solorun.db"]


async def test_a_log_that_keeps_growing_is_reported_once(
    database: Path, writer: CountingConnection, reader: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    checkpointer = Checkpointer(database, writer, idle_seconds=0.01, warn_bytes=1)

    await _write(writer, checkpointer)
    await _until(lambda: writer.checkpoints == 1)
    await _write(writer, checkpointer)
    await _until(lambda: writer.checkpoints == 2)

    assert [record.getMessage() for record in caplog.records] == [
        "some.db-wal has grown to 0 MiB: another program keeps a read transaction open, so it cannot be emptied."
    ]
    await checkpointer.stop()


async def test_a_missing_log_is_not_large(
    tmp_path: Path, writer: CountingConnection, caplog: pytest.LogCaptureFixture
) -> None:
    checkpointer = Checkpointer(tmp_path / "other.db", writer, idle_seconds=0.01, warn_bytes=1)

    checkpointer.record_write()
    await _until(lambda: writer.checkpoints == 1)

    assert caplog.records == []
    await checkpointer.stop()


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_versions_with_the_wal_reset_bug_are_known(version: tuple[int, ...], affected: bool) -> None:
    assert has_wal_reset_bug(version) is affected


async def test_a_new_database_reports_the_wal_reset_bug_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))

    for _ in range(2):
        await (await SqliteRunStore.open(tmp_path)).close()

    assert [record.message for record in caplog.records if "WAL-reset" in record.message] == [describe_wal_reset_bug()]


async def test_a_terminal_does_not_report_the_wal_reset_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    await (await SqliteRunStore.open(tmp_path)).close()

    assert not caplog.records


async def test_a_fixed_version_of_sqlite_is_not_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))

    await (await SqliteRunStore.open(tmp_path)).close()

    assert not caplog.records
