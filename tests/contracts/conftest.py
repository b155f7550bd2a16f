"""The stores that the contract is held against. A store is added by adding how it is opened."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from solorun.store import Store
from solorun.stores.sqlite import SqliteRunStore

OpenStore = Callable[[], Awaitable[Store]]

_STORES: dict[str, Callable[[Path], Awaitable[Store]]] = {"sqlite": SqliteRunStore.open}


@pytest.fixture(params=sorted(_STORES))
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Opens the same database again and again; closes what was opened."""
    opened: list[Store] = []

    async def open_one() -> Store:
        store = await _STORES[request.param](tmp_path / "data")
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    return await open_store()
