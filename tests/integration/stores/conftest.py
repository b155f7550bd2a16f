"""SQLite stores in a temporary directory, and another program's connection to the file."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest

from solorun.stores.sqlite import SqliteRunStore


class OpenStore(Protocol):
    def __call__(self, *, lock_timeout_seconds: float = 30.0) -> Awaitable[SqliteRunStore]: ...


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def open_store(data_dir: Path) -> AsyncIterator[OpenStore]:
    """Opens the same database as often as it is called; closes every store."""
    opened: list[SqliteRunStore] = []

    async def open_one(*, lock_timeout_seconds: float = 30.0) -> SqliteRunStore:
        store = await SqliteRunStore.open(data_dir, lock_timeout_seconds=lock_timeout_seconds)
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
