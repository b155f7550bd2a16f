"""The database's file becomes smaller after runs are deleted."""

import asyncio
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from solorun.errors import StoreUnavailable
from solorun.stores.sqlite import SqliteRunStore, shrinking
from tests.contracts.builders import end, later, records, start, write


async def fill_and_delete(store: SqliteRunStore) -> None:
    """Write two large runs, and delete the first."""
    lines = [replace(record, message=secrets.token_hex(30_000)) for record in records(1, 60)]
    runs = [await end(store, await write(store, await start(store), *([line] for line in lines))) for _ in range(2)]
    await store.expire_runs([runs[0].id], at=later(100))
    while (await store.delete_expired(at=later(100))).more:
        pass


def count(connection: sqlite3.Connection, pragma: str) -> Any:
    return connection.execute(f"PRAGMA {pragma}").fetchone()[0]


async def test_unused_pages_are_given_back_a_few_at_a_time(
    store: SqliteRunStore, foreign: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrinking, "SHRINK_PAGES", 50)
    await fill_and_delete(store)
    before, unused = count(foreign, "page_count"), count(foreign, "freelist_count")
    assert unused > 0.4 * before

    assert await store.reclaim_space()
    assert count(foreign, "page_count") == before - 50

    while await store.reclaim_space():
        pass
    left, pages = count(foreign, "freelist_count"), count(foreign, "page_count")
    assert left <= 0.05 * pages + 50
    assert pages < 0.6 * before
    assert count(foreign, "integrity_check") == "ok"


async def test_closing_ends_the_wait_for_the_lock(open_store: Callable[..., Any], data_dir: Path) -> None:
    store = await open_store(lock_timeout_seconds=3600)
    await fill_and_delete(store)
    with closing(sqlite3.connect(data_dir / "solorun.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.reclaim_space())
        while not store._writer.waiting:
            await asyncio.sleep(0)

        async with asyncio.timeout(60):
            await store.close()

    with pytest.raises(StoreUnavailable, match="lock"):
        await waiting


async def test_an_empty_or_full_database_stays_as_it_is(store: SqliteRunStore, foreign: sqlite3.Connection) -> None:
    before = count(foreign, "page_count")

    assert not await store.reclaim_space()

    assert count(foreign, "page_count") == before


async def test_a_database_that_was_created_otherwise_stays_large_until_it_is_converted(
    data_dir: Path, open_store: Callable[[], Any]
) -> None:
    data_dir.mkdir()
    database = data_dir / "solorun.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as creator:
        creator.execute("PRAGMA journal_mode = WAL")
    store = await open_store()
    await fill_and_delete(store)
    assert not await store.reclaim_space()
    await store.close()
    before = database.stat().st_size

    with closing(sqlite3.connect(database, isolation_level=None)) as shell:
        shell.executescript("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")

    assert database.stat().st_size < 0.6 * before
    await fill_and_delete(await open_store())
    assert await (await open_store()).reclaim_space()
