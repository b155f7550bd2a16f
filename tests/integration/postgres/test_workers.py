"""The processes that use a database: who they are, what they execute, and what wakes them."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from solorun.status import Status
from solorun.store import Notice, RunNotice, Subject
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.postgres.lease import PostgresLease
from solorun.worker import Worker, WorkerState, WorkerStatus
from tests.contracts.builders import OWNER, end, insert, new_run, queued, start
from tests.integration.postgres.conftest import OpenStore

GPU = Worker("red-1", "red", ("eu", "gpu"), 4)


@pytest.fixture
def leases(store: PostgresRunStore) -> Iterator[dict[str, PostgresLease]]:
    """The leases of a worker, of a service that executes runs, and of one that executes none."""
    processes = (GPU, Worker("blue-1", "blue", ("default",)), Worker("api-1", "api", ("default",), 0))
    leases = {worker.id: store.open_lease(worker) for worker in processes}
    for lease in leases.values():
        lease.renew()
    yield leases
    for lease in leases.values():
        lease.end()


async def test_the_processes_that_execute_runs_are_listed_with_their_runs(
    store: PostgresRunStore, leases: dict[str, PostgresLease]
) -> None:
    runs = [await start(store, project, owner=GPU.id) for project in ("handbook", "dictionary")]
    await end(store, await start(store, "glossary"))

    blue, red = await store.list_workers()

    assert (blue.id, blue.labels, blue.capacity, blue.runs) == ("blue-1", ("default",), None, ())
    assert red == WorkerStatus(
        "red-1",
        "red",
        ("eu", "gpu"),
        4,
        WorkerState.ACTIVE,
        tuple(run.id for run in runs),
        red.started_at,
        red.last_seen,
    )
    assert red.started_at.tzinfo is not None
    assert red.started_at <= red.last_seen


async def test_a_renewal_is_when_a_worker_was_last_seen(
    store: PostgresRunStore, leases: dict[str, PostgresLease]
) -> None:
    before = await seen(store, GPU.id)

    leases[GPU.id].renew()

    after = await seen(store, GPU.id)
    assert after.started_at == before.started_at
    assert after.last_seen > before.last_seen


async def test_a_worker_that_does_not_renew_its_lease_is_lost_until_it_does(
    store: PostgresRunStore, leases: dict[str, PostgresLease], foreign: psycopg.Connection
) -> None:
    await store.request_drain(GPU.id)
    foreign.execute("UPDATE owners SET lease_until = clock_timestamp()")
    lost = await seen(store, GPU.id)

    leases[GPU.id].renew()

    assert [lost.state, (await seen(store, GPU.id)).state] == [WorkerState.LOST, WorkerState.DRAINING]


async def test_a_lost_worker_is_listed_for_a_day_and_one_that_has_stopped_is_not(
    store: PostgresRunStore, leases: dict[str, PostgresLease], foreign: psycopg.Connection
) -> None:
    leases["blue-1"].end()
    lost = "UPDATE owners SET lease_until = clock_timestamp(), seen_at = clock_timestamp() - CAST(%s AS INTERVAL)"
    foreign.execute(lost, ["23 hours"])
    for_a_day = [worker.id for worker in await store.list_workers()]
    foreign.execute(lost, ["25 hours"])

    assert (for_a_day, await store.list_workers()) == ([GPU.id], [])


async def test_a_drain_reaches_the_worker_and_is_listed(
    store: PostgresRunStore, leases: dict[str, PostgresLease]
) -> None:
    waiting = asyncio.create_task(asyncio.to_thread(leases[GPU.id].wait, 60))

    requested = [await store.request_drain(GPU.id)]
    noticed = await waiting
    requested += [await store.request_drain(worker) for worker in (GPU.id, "api-1", "green-1")]

    assert noticed == [Notice.OWN]
    assert requested == [True, True, False, False]
    assert leases[GPU.id].renew().is_draining
    assert not leases["blue-1"].renew().is_draining
    assert (await seen(store, GPU.id)).state is WorkerState.DRAINING


async def test_a_run_that_is_returned_or_promoted_wakes_the_workers(
    store: PostgresRunStore, leases: dict[str, PostgresLease]
) -> None:
    run = await insert(store, new_run())
    behind = await insert(store, queued())

    await store.return_run(run.id, owner=OWNER)
    returned = await asyncio.to_thread(leases[GPU.id].wait, 60)
    (claimed,) = await store.claim_runs(owner=OWNER)
    await end(store, claimed, Status.CANCELLED)
    promoted = await asyncio.to_thread(leases[GPU.id].wait, 60)

    assert returned == promoted == [Notice.WORK]
    assert [run.id for run in await store.claim_runs(owner=GPU.id)] == [behind.id]


async def test_a_service_that_executes_nothing_is_not_woken_by_work(
    store: PostgresRunStore, leases: dict[str, PostgresLease]
) -> None:
    run = await insert(store, new_run())

    await store.return_run(run.id, owner=OWNER)
    await store.notify(RunNotice(Subject.FOLLOWED, (run.id,)))  # The server delivers notices in their order.

    assert await asyncio.to_thread(leases["api-1"].wait, 60) == [RunNotice(Subject.FOLLOWED, (run.id,))]


async def test_workers_that_claim_at_the_same_time_get_other_runs(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(4)]
    runs = []
    for number in range(40):
        run = await insert(stores[0], replace(new_run(f"project-{number}"), is_for_worker=True))
        await stores[0].return_run(run.id, owner=OWNER)
        runs.append(run.id)

    claims = await asyncio.gather(
        *(
            store.claim_runs(owner=f"worker-{number}", labels=("default",), limit=5)
            for number, store in enumerate(stores)
        )
    )

    claimed = [run.id for claim in claims for run in claim]
    assert len(claimed) == len(set(claimed)) == 20
    assert set(claimed) <= set(runs)


async def seen(store: PostgresRunStore, worker_id: str) -> WorkerStatus:
    (worker,) = [worker for worker in await store.list_workers() if worker.id == worker_id]
    return worker
