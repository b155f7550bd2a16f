"""A process that has locked a data directory ends the leases of earlier ones with the same directory: they are dead."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from solorun.runs import Reaper
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.postgres.lease import PostgresLease
from solorun.worker import Worker
from tests.contracts.builders import OWNER, end, start

DEAD = Worker(OWNER, "host", directory="boot/1/2")
NEXT = replace(DEAD, id="next")


@pytest.fixture
def dead_lease(store: PostgresRunStore, database_url: str) -> Iterator[PostgresLease]:
    lease = PostgresLease(database_url, DEAD)
    lease.renew()
    yield lease
    lease.end()


@pytest.mark.usefixtures("dead_lease")
async def test_the_runs_of_a_predecessor_are_orphans_once_its_lease_is_ended(store: PostgresRunStore) -> None:
    await end(store, await start(store, "ended"))
    run = await start(store)
    before = await store.list_orphaned_runs(NEXT.id)

    listed = await store.list_runs_of_predecessors(NEXT)
    await store.end_leases_of_predecessors(NEXT)

    assert (before, listed) == ([], [run.id])
    assert await store.list_orphaned_runs(NEXT.id) == [run]


@pytest.mark.usefixtures("dead_lease")
@pytest.mark.parametrize(
    "other",
    [DEAD, replace(NEXT, directory="boot/1/3"), replace(NEXT, directory=None)],
    ids=lambda other: other.directory,
)
async def test_a_process_with_another_directory_or_an_unknown_one_is_no_predecessor(
    store: PostgresRunStore, other: Worker
) -> None:
    await start(store)

    listed = await store.list_runs_of_predecessors(other)
    await store.end_leases_of_predecessors(other)

    assert listed == []
    assert await store.list_orphaned_runs(NEXT.id) == []


async def test_processes_without_a_known_directory_are_no_predecessors(
    store: PostgresRunStore, database_url: str
) -> None:
    run = await start(store)
    lease = PostgresLease(database_url, replace(DEAD, directory=None))
    lease.renew()

    await store.end_leases_of_predecessors(replace(NEXT, directory=None))

    assert await store.list_orphaned_runs(NEXT.id) == []
    assert list(lease.renew().runs) == [run.id]
    lease.end()


@pytest.mark.usefixtures("dead_lease")
async def test_the_processes_of_the_runs_end_before_the_lease(store: PostgresRunStore) -> None:
    run = await start(store)
    killing, killed = asyncio.Event(), asyncio.Event()

    async def kill_orphans(run_id: int) -> None:
        assert run_id == run.id
        killing.set()
        await killed.wait()

    executor: Any = SimpleNamespace(kill_orphans=kill_orphans)
    unused: Any = None
    reaper = Reaper(
        store=store, registry=unused, tasks=unused, executor=executor, queue=unused, owner=NEXT.id, now=unused
    )
    releasing = asyncio.create_task(reaper.release_predecessors(NEXT))
    await killing.wait()
    while_alive = await store.list_orphaned_runs("another service")
    killed.set()
    await releasing

    assert while_alive == []
    assert await store.list_orphaned_runs("another service") == [run]
