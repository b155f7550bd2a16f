"""PostgreSQL stores on a schema of their own, and another program's connection to it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from pathlib import Path

import psycopg
import pytest

from solorun.runs import Mirror, RunNotices
from solorun.store import Store
from solorun.stores.postgres import ParamCipher, PostgresRunStore
from solorun.stores.postgres.lease import PostgresLease
from solorun.worker import Worker
from tests.fakes.engine import Engine, declare, open_engine
from tests.fakes.postgres import SECRET_KEY
from tests.fakes.stores import opening_stores
from tests.integration.postgres.dispatching import Processes
from tests.integration.postgres.transfers import fill_database

CUT_ALL = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name LIKE 'solorun%'"
"""Ends the connections of all stores, leases and transfers, as a restart of the server does, and waits for their ends:
until then, the server may still execute statements.
"""

OpenLease = Callable[[str], PostgresLease]
OpenStore = Callable[[], Awaitable[PostgresRunStore]]


PROJECT = declare(steps=("extract",), params=("date",))


@pytest.fixture
async def engines(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[tuple[Engine, Engine]]:
    async def open_store(_data_dir: Path) -> Store:
        return await PostgresRunStore.open(database_url, ParamCipher(SECRET_KEY))

    monkeypatch.setattr("tests.fakes.engine.open_store", open_store)
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(open_engine(tmp_path / "here", PROJECT, owner="here"))
        there = await stack.enter_async_context(open_engine(tmp_path / "there", PROJECT, owner="there"))
        yield here, there


@pytest.fixture
def mirror(engines: tuple[Engine, Engine]) -> Mirror:
    """Shows the first engine what the second one does."""
    here, _ = engines
    return Mirror(dispatcher=here.manager.dispatcher, notices=notices_of(here))


def notices_of(engine: Engine) -> RunNotices:
    return RunNotices(store=engine.store, hub=engine.hub, registry=engine.registry, tasks=engine.tasks)


@pytest.fixture
async def open_store(database_url: str) -> AsyncIterator[OpenStore]:
    """Opens the same database as often as it is called."""
    async with opening_stores(partial(PostgresRunStore.open, database_url, ParamCipher(SECRET_KEY))) as open_store:
        yield open_store


@pytest.fixture
async def store(open_store: OpenStore) -> PostgresRunStore:
    return await open_store()


@pytest.fixture
def open_lease(database_url: str) -> Iterator[OpenLease]:
    """Opens leases, and ends them all."""
    with ExitStack() as stack:

        def open_lease(owner: str) -> PostgresLease:
            lease = PostgresLease(database_url, Worker(owner, "this host"))
            stack.callback(lease.end)
            return lease

        yield open_lease


@pytest.fixture
def foreign(store: PostgresRunStore, database_url: str) -> Iterator[psycopg.Connection]:
    """Another program's connection to the store's database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_database(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def database(filled: Path, tmp_path: Path) -> Path:
    """A database with rows of every kind."""
    return Path(shutil.copy(filled, tmp_path / "solorun.db"))


@pytest.fixture
def target(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def processes(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Processes]:
    async def open_store(_data_dir: Path) -> Store:
        return await PostgresRunStore.open(database_url, ParamCipher(SECRET_KEY))

    monkeypatch.setattr("tests.fakes.engine.open_store", open_store)
    monkeypatch.setattr("solorun.runs.dispatcher.POLL_SECONDS", 3600.0)
    async with AsyncExitStack() as stack:
        yield Processes(stack, tmp_path, database_url)
