"""A secret of a queued run is in no file of the database soon after the run has ended, however busy the service is."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from solorun.queueing import ConflictPolicy
from solorun.run import Cancel, Run
from solorun.stores.sqlite import SqliteRunStore
from tests.contracts.builders import NOW, OWNER, new_run, start
from tests.integration.stores.conftest import OpenStore

SECRET = "correct-horse-battery-staple"


@pytest.fixture
async def queued(store: SqliteRunStore) -> Run:
    """A queued run that has a secret, which is on disk."""
    await start(store)
    new = replace(new_run(), on_conflict=ConflictPolicy.QUEUE, unmasked_params={"token": SECRET})
    return await store.insert_run(new, owner=OWNER)


@pytest.fixture
def reader(queued: Run, data_dir: Path) -> Iterator[sqlite3.Connection]:
    """Another program that keeps a read transaction open."""
    with closing(sqlite3.connect(data_dir / "solorun.db", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM runs").fetchall()
        yield connection


async def test_the_log_is_emptied_when_a_secret_is_erased(
    store: SqliteRunStore, queued: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._checkpointer, "_check_idle", lambda: None)
    assert contains_secret(data_dir)

    await store.request_cancel(queued.id, Cancel(NOW, "api"))

    await until_erased(data_dir)


async def test_a_reader_only_delays_the_erasure(
    store: SqliteRunStore, queued: Run, reader: sqlite3.Connection, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._checkpointer, "_check_idle", lambda: None)
    await store.request_cancel(queued.id, Cancel(NOW, "api"))
    await store.list_runs()
    assert contains_secret(data_dir)

    reader.execute("ROLLBACK")

    await until_erased(data_dir)


async def test_a_secret_that_a_killed_service_left_in_the_log_is_erased_at_the_next_start(
    store: SqliteRunStore, queued: Run, data_dir: Path, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._checkpointer, "empty_soon", lambda: None)
    await store.request_cancel(queued.id, Cancel(NOW, "api"))
    assert contains_secret(data_dir)

    await open_store()

    await until_erased(data_dir)


def contains_secret(directory: Path) -> bool:
    return any(SECRET.encode() in path.read_bytes() for path in directory.iterdir() if path.is_file())


async def until_erased(directory: Path) -> None:
    with anyio.fail_after(60):
        while contains_secret(directory):
            await anyio.sleep(0.01)
