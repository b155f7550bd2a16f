"""Until the lease of its owner has expired, no other owner ends a run."""

import asyncio

import psycopg
import pytest

from solorun.errors import StoreUnavailable
from solorun.run import Cancel
from solorun.status import Status, UpdateResult
from solorun.store import Notice, RunNotice, Store, Subject
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.postgres.lease import LEASE_SECONDS, PostgresLease
from solorun.worker import Worker
from tests.contracts.builders import OWNER, ending, later, start
from tests.integration.postgres.conftest import CUT_ALL, OpenLease

DIED = ending(Status.INTERRUPTED, "died")


async def finalize_for_any_owner(store: Store, run_id: int) -> UpdateResult:
    return await store.finalize_run(run_id, owner=None, ending=DIED)


async def test_a_run_of_a_leased_owner_is_no_orphan_and_cannot_be_ended_by_others(
    store: PostgresRunStore, open_lease: OpenLease
) -> None:
    run = await start(store)
    open_lease(OWNER).renew()

    orphaned = await store.list_orphaned_runs("another")
    result = await finalize_for_any_owner(store, run.id)

    assert orphaned == []
    assert result is UpdateResult.NOT_IN_EXPECTED_STATUS
    assert await store.get_run(run.id) == run


async def test_an_ended_lease_makes_its_runs_orphans(store: PostgresRunStore, open_lease: OpenLease) -> None:
    run = await start(store)
    lease = open_lease(OWNER)
    lease.renew()

    lease.end()

    assert await store.list_orphaned_runs("another") == [run]
    assert await finalize_for_any_owner(store, run.id) is UpdateResult.UPDATED


async def test_an_expired_lease_makes_its_runs_orphans_until_it_is_renewed(
    store: PostgresRunStore, foreign: psycopg.Connection, open_lease: OpenLease
) -> None:
    run = await start(store)
    lease = open_lease(OWNER)
    lease.renew()
    foreign.execute("UPDATE owners SET lease_until = clock_timestamp()")

    expired = await store.list_orphaned_runs("another")
    lease.renew()
    renewed = await store.list_orphaned_runs("another")

    assert (expired, renewed) == ([run], [])


async def test_a_lease_lasts_as_long_as_it_says_by_the_clock_of_the_database(
    store: PostgresRunStore, foreign: psycopg.Connection, open_lease: OpenLease
) -> None:
    lease = open_lease(OWNER)

    lease.renew()

    row = foreign.execute("SELECT EXTRACT(EPOCH FROM lease_until - clock_timestamp()) FROM owners").fetchone()
    assert row is not None
    assert 0 < float(row[0]) <= LEASE_SECONDS == lease.seconds


async def test_a_renewal_reports_cancels_that_another_service_has_recorded(
    store: PostgresRunStore, open_lease: OpenLease
) -> None:
    run, other = await start(store), await start(store, "glossary")
    await store.request_cancel(run.id, Cancel(later(5), "anna", "wrong branch", grace_seconds=0))

    runs = open_lease(OWNER).renew().runs

    assert runs == {run.id: Cancel(later(5), "anna", "wrong branch", 0), other.id: None}


async def test_a_cancel_that_another_service_records_ends_the_wait_of_the_owner(
    store: PostgresRunStore, foreign: psycopg.Connection, open_lease: OpenLease
) -> None:
    run = await start(store)
    leases = open_lease(OWNER), open_lease("another")
    for lease in leases:
        lease.renew()
    ours, theirs = (asyncio.create_task(asyncio.to_thread(lease.wait, 60)) for lease in leases)

    await store.request_cancel(run.id, Cancel(later(5), "anna"))

    assert await ours
    assert not theirs.done()
    foreign.execute("NOTIFY solorun, 'another'")
    assert await theirs


async def test_notices_that_arrive_together_are_all_received(
    store: PostgresRunStore, foreign: psycopg.Connection, open_lease: OpenLease
) -> None:
    lease = open_lease(OWNER)
    lease.renew()
    followed = RunNotice(Subject.FOLLOWED, (7, 11))

    with foreign.transaction():
        foreign.execute("NOTIFY solorun, 'of a later version'")
        foreign.execute("NOTIFY solorun, ''")
        foreign.execute("NOTIFY solorun, 'followed 7 11'")
        foreign.execute(f"NOTIFY solorun, '{OWNER}'")

    assert lease.wait(60) == [Notice.WORK, followed, Notice.OWN]


async def test_a_notice_of_many_runs_is_divided(store: PostgresRunStore, open_lease: OpenLease) -> None:
    lease = open_lease(OWNER)
    lease.renew()
    run_ids = tuple(range(2**62, 2**62 + 1_000))

    await store.notify(RunNotice(Subject.CHANGED, run_ids))
    received: list[int] = []
    while len(received) < len(run_ids):
        for notice in await asyncio.to_thread(lease.wait, 60):
            assert isinstance(notice, RunNotice)
            received += notice.run_ids

    assert received == [*run_ids]


async def test_a_lease_without_its_connection_does_not_wait(
    store: PostgresRunStore, foreign: psycopg.Connection, open_lease: OpenLease
) -> None:
    lease = open_lease(OWNER)
    lease.renew()
    foreign.execute(CUT_ALL)

    assert lease.wait(60) == [Notice.OWN]


async def test_a_lease_reconnects_after_its_connection_was_cut(
    store: PostgresRunStore, foreign: psycopg.Connection, open_lease: OpenLease
) -> None:
    lease = open_lease(OWNER)
    lease.renew()
    foreign.execute(CUT_ALL)

    with pytest.raises(StoreUnavailable):
        lease.renew()

    assert lease.renew().runs == {}


def test_a_lease_without_a_server_is_store_unavailable_and_can_be_ended() -> None:
    lease = PostgresLease("postgresql://127.0.0.1:1/solorun", Worker(OWNER, "this host"))

    with pytest.raises(StoreUnavailable, match="no connection"):
        lease.renew()

    lease.end()


async def test_leases_that_ended_long_ago_are_forgotten(
    store: PostgresRunStore, foreign: psycopg.Connection, open_lease: OpenLease
) -> None:
    open_lease("an-earlier-service").renew()
    foreign.execute("UPDATE owners SET lease_until = clock_timestamp() - INTERVAL '2 days'")

    open_lease(OWNER).renew()

    assert foreign.execute("SELECT owner FROM owners").fetchall() == [(OWNER,)]
