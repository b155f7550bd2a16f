"""SQLite stores in a temporary directory, and another program's connection to the file."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.stores import opening_stores

OpenStore = Callable[..., Awaitable[SqliteRunStore]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def open_store(data_dir: Path) -> AsyncIterator[OpenStore]:
    """Opens the same database as often as it is called."""
    async with opening_stores(partial(SqliteRunStore.open, data_dir)) as open_store:
        yield open_store


@pytest.fixture
async def store(open_store: OpenStore) -> SqliteRunStore:
    return await open_store()


@pytest.fixture
def foreign(store: SqliteRunStore, data_dir: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the store's database."""
    with closing(sqlite3.connect(data_dir / "solorun.db", isolation_level=None, timeout=60)) as connection:
        yield connection
