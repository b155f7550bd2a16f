"""The write-ahead log is emptied when nothing is written, and somebody is told when it grows."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.sqlite import checkpointer as wal_module
from solorun.stores.sqlite.checkpointer import Checkpointer
from solorun.stores.sqlite.version_check import has_wal_reset_bug, warn_of_wal_reset_bug
from tests.contracts.builders import records, start, write
from tests.integration.stores.conftest import OpenStore


async def _until(predicate: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not predicate():
            await asyncio.sleep(0.005)


async def test_the_log_is_emptied_when_idle(
    open_store: OpenStore, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checkpointer.__init__, "__kwdefaults__", {"idle_seconds": 0.5})
    store = await open_store()
    wal = data_dir / "solorun.db-wal"

    await write(store, await start(store), records(1, 100))
    grown = wal.stat().st_size

    assert grown > 0
    await _until(lambda: wal.stat().st_size == 0)


async def test_it_is_emptied_so_long_after_the_last_write_however_long_before_the_first_was(
    store: SqliteRunStore, data_dir: Path
) -> None:
    keeper = Checkpointer(data_dir / "solorun.db", store._writer, idle_seconds=1_000)
    keeper.record_write()
    await asyncio.sleep(0.01)
    keeper.record_write()

    keeper._look()

    assert keeper._timer is not None
    assert keeper._timer.when() == keeper._last_write + 1_000
    await keeper.stop()


async def test_a_reader_does_not_hold_up_the_emptying(store: SqliteRunStore, foreign: sqlite3.Connection) -> None:
    run = await start(store)
    foreign.execute("BEGIN")
    foreign.execute("SELECT * FROM runs").fetchall()
    await write(store, run, records(1, 10))

    async with asyncio.timeout(20):
        await store._wal.empty()

    assert await store._writer.execute(lambda raw: raw.execute("PRAGMA busy_timeout").fetchone()) == (30_000,)


async def test_a_failure_to_empty_it_is_no_write_error(store: SqliteRunStore) -> None:
    await store.close()

    await store._wal.empty()

    assert store.write_error is None


async def test_closing_leaves_no_log_behind(store: SqliteRunStore, data_dir: Path) -> None:
    await write(store, await start(store), records(1, 100))

    await store.close()

    assert [path.name for path in data_dir.iterdir()] == ["solorun.db"]


async def test_a_log_that_grows_is_told_once(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wal_module, "WARN_BYTES", 1)
    store = await open_store()
    await start(store)
    caplog.clear()

    store._wal._warn_if_large()
    store._wal._warn_if_large()

    assert [record.getMessage() for record in caplog.records] == [
        "solorun.db-wal has grown to 0 MiB: a program that reads the database without end keeps it from being emptied."
    ]


async def test_a_log_that_is_not_there_is_not_large(store: SqliteRunStore) -> None:
    await store.close()

    store._wal._warn_if_large()

    assert not store._wal._warned


async def test_it_is_not_emptied_while_there_are_writes(store: SqliteRunStore) -> None:
    await start(store)

    store._wal._look()

    assert store._wal._emptying is None
    assert store._wal._timer is not None


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


@pytest.mark.parametrize(("version", "warnings"), [((3, 40, 1), 1), ((3, 53, 0), 0)])
def test_an_affected_version_is_told_once(
    version: tuple[int, ...], warnings: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    warn_of_wal_reset_bug.cache_clear()

    with caplog.at_level(logging.WARNING):
        warn_of_wal_reset_bug()
        warn_of_wal_reset_bug()

    assert len(caplog.records) == warnings
