"""SQLite stores in a temporary directory, and a way to the file beside them."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.sqlite import connection as connection_module

OpenStore = Callable[[], Awaitable[SqliteRunStore]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def open_store(data_dir: Path) -> AsyncIterator[OpenStore]:
    """Opens the same database again and again; closes what was opened."""
    opened: list[SqliteRunStore] = []

    async def open_one() -> SqliteRunStore:
        store = await SqliteRunStore.open(data_dir)
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store: OpenStore) -> SqliteRunStore:
    return await open_store()


@pytest.fixture
def foreign(store: SqliteRunStore, data_dir: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the store's database."""
    with closing(sqlite3.connect(data_dir / "solorun.db", isolation_level=None, timeout=5)) as connection:
        yield connection


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores opened from now on wait for a lock no longer than a moment. Ask for it before `store`."""
    monkeypatch.setattr(connection_module, "BUSY_TIMEOUT_SECONDS", 0.05)
