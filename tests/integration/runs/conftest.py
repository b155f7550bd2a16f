"""Engines over each store."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from solorun.store import Store
from solorun.stores.postgres import ParamCipher, PostgresRunStore
from tests.fakes import engine
from tests.fakes.postgres import SECRET_KEY
from tests.fakes.stores import FaultyStore


@pytest.fixture(params=["postgres", "sqlite"], autouse=True)
def engine_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the store that every engine of the test opens."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    url = request.getfixturevalue("database_url")

    async def open_store(_data_dir: Path) -> Store:
        return await PostgresRunStore.open(url, ParamCipher(SECRET_KEY))

    monkeypatch.setattr("tests.fakes.engine.open_store", open_store)
    yield "postgres"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FaultyStore]:
    real = await engine.open_store(tmp_path)
    yield FaultyStore(real)
    await real.close()
