"""The stores that must fulfil the contract. To add a store, add the function that opens it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from solorun.store import Store
from solorun.stores.postgres import ParamCipher, PostgresRunStore
from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.postgres import SECRET_KEY
from tests.fakes.stores import opening_stores

OpenStore = Callable[[], Awaitable[Store]]


@pytest.fixture(params=["postgres", "sqlite"])
def open_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """Opens the same database as often as it is called. The caller closes the stores."""
    if request.param == "sqlite":
        yield partial(SqliteRunStore.open, tmp_path / "data")
    else:
        yield partial(PostgresRunStore.open, request.getfixturevalue("database_url"), ParamCipher(SECRET_KEY))


@pytest.fixture
async def open_store(open_database: OpenStore) -> AsyncIterator[OpenStore]:
    """Opens the same database as often as it is called, and closes the stores in the end."""
    async with opening_stores(open_database) as open_store:
        yield open_store


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    return await open_store()
