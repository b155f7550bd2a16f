"""A store on disk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from solorun.store import Store
from solorun.stores.sqlite import SqliteRunStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await SqliteRunStore.open(tmp_path)
    yield store
    await store.close()
