"""The stores that must fulfil the contract. To add a store, add the function that opens it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from solorun.store import Store
from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.stores import opening_stores

OpenStore = Callable[[], Awaitable[Store]]

_STORES: dict[str, Callable[[Path], Awaitable[Store]]] = {"sqlite": SqliteRunStore.open}


@pytest.fixture(params=sorted(_STORES))
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Opens the same database as often as it is called."""
    async with opening_stores(partial(_STORES[request.param], tmp_path / "data")) as open_store:
        yield open_store


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    return await open_store()
