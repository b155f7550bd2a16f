"""A server that restarts, refuses or waits: the store never reports a false success, and recovers by itself."""

import asyncio

import psycopg
import pytest

from solorun.errors import DatabaseUnusable, RunActive, StoreFailure, StoreUnavailable
from solorun.status import Status, UpdateResult
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.sql import probe
from tests.contracts.builders import OWNER, batch_of, ending, new_run, read_all, records, start, write
from tests.integration.postgres.conftest import CUT_ALL, OpenStore


async def test_connections_that_the_server_has_closed_are_replaced(
    store: PostgresRunStore, foreign: psycopg.Connection
) -> None:
    run = await write(store, await start(store), records(1, 3))
    foreign.execute(CUT_ALL)

    run = await write(store, run, records(4, 5))

    assert await read_all(store, run.id) == records(1, 5)
    assert store.write_error is None


async def test_a_connection_that_is_cut_within_a_transaction_writes_nothing(
    store: PostgresRunStore, foreign: psycopg.Connection
) -> None:
    run = await start(store)
    foreign.execute("BEGIN")
    foreign.execute("SELECT 1 FROM runs FOR UPDATE")
    writing = asyncio.create_task(store.commit([batch_of(run, records(1, 3))], owner=OWNER))
    async with asyncio.timeout(30):
        while not foreign.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
            await asyncio.sleep(0.01)

    foreign.execute(CUT_ALL)
    with pytest.raises(StoreUnavailable, match="shutting down"):
        await writing
    failed = store.write_error
    foreign.execute("ROLLBACK")

    assert failed is not None
    assert await store.get_run(run.id) == run
    assert await store.commit([batch_of(run, records(1, 3))], owner=OWNER) == [UpdateResult.UPDATED]


async def test_the_store_notices_by_itself_that_it_can_write_again(
    store: PostgresRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "PROBE_SECONDS", 0.01)
    run = await start(store)
    with pytest.raises(StoreFailure):
        await store.commit([batch_of(run, records(7, 9))], owner=OWNER)

    async with asyncio.timeout(30):
        while store.write_error is not None:
            await asyncio.sleep(0.01)

    assert [found.id for found in await store.list_runs()] == [run.id]
    assert (await start(store, "glossary")).id == run.id + 1


async def test_text_with_a_nul_is_stored_without_it(store: PostgresRunStore) -> None:
    run = await start(store)

    await store.commit([batch_of(run, end=ending(Status.FAILED, "a\0b"))], owner=OWNER)

    assert (await store.get_run(run.id)).error_message == "a\ufffdb"


async def test_refused_starts_use_up_no_ids(store: PostgresRunStore) -> None:
    run = await start(store)
    for _ in range(3):
        with pytest.raises(RunActive):
            await store.insert_run(new_run(), owner=OWNER)

    assert (await start(store, "glossary")).id == run.id + 1


async def test_of_many_starts_in_several_services_one_wins(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(3)]

    results = await asyncio.gather(
        *(store.insert_run(new_run(), owner=OWNER) for store in stores * 10), return_exceptions=True
    )

    (winner,) = [result for result in results if not isinstance(result, BaseException)]
    assert [result.active_run.id for result in results if isinstance(result, RunActive)] == [winner.id] * 29


async def test_services_that_start_together_migrate_once(open_store: OpenStore) -> None:
    stores = await asyncio.gather(*(open_store() for _ in range(4)))

    assert [await store.check() for store in stores] == [[]] * 4


async def test_a_database_that_a_newer_version_has_changed_is_used_while_that_is_safe(
    store: PostgresRunStore, foreign: psycopg.Connection, open_store: OpenStore
) -> None:
    foreign.execute("UPDATE solorun_schema SET version = 9999")
    await (await open_store()).close()

    foreign.execute("UPDATE solorun_schema SET needs = 9999")
    with pytest.raises(DatabaseUnusable, match="newer version of Solorun: it needs schema version 9999"):
        await open_store()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://127.0.0.1:1/solorun", "refused"),
        ("postgresql://[::1/solorun", "invalid"),
        ("postgresql://a:hunter2%zz@b/c", "invalid"),
    ],
)
async def test_a_database_that_cannot_be_reached_says_why(url: str, words: str) -> None:
    with pytest.raises(DatabaseUnusable, match=words) as refused:
        await PostgresRunStore.open(url)

    assert "hunter2" not in str(refused.value)


async def test_a_closed_store_is_unavailable_and_can_be_closed_again(store: PostgresRunStore) -> None:
    await asyncio.gather(store.close(), store.close())

    with pytest.raises(StoreUnavailable, match="closed"):
        await store.list_runs()
