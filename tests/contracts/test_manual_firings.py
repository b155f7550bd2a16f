"""A run of a schedule that is started by hand is in its history, and changes nothing about what is due."""

from datetime import timedelta

import pytest

from solorun.schedule import FiringOutcome, FiringTrigger
from solorun.status import Status
from solorun.store import NewRun, Store
from tests.contracts.builders import NOW, OWNER, end, later
from tests.contracts.firings import NIGHTLY, completed, fired_run, firing, registered


def manual_run(at: float = 0) -> NewRun:
    return fired_run(at, trigger=FiringTrigger.MANUAL)


async def test_a_manual_run_is_listed_with_how_it_ended(store: Store) -> None:
    await registered(store)
    scheduled = await completed(store, await store.insert_run(fired_run(), owner=OWNER), at=400)
    run = await end(store, await store.insert_run(manual_run(500.5), owner=OWNER), Status.FAILED)

    newest, oldest = await store.list_firings(schedule=NIGHTLY, limit=10)

    assert (newest.trigger, newest.run_id, newest.run_status) == (FiringTrigger.MANUAL, run.id, Status.FAILED)
    assert newest.due_at == later(500.5)
    assert (oldest.trigger, oldest.run_id) == (FiringTrigger.SCHEDULE, scheduled.id)
    assert await store.list_last_firings() == {NIGHTLY: newest}


async def test_a_manual_run_handles_no_due_time(store: Store) -> None:
    await registered(store)
    await store.record_firing(firing(0, outcome=FiringOutcome.MISSED))
    await store.insert_run(manual_run(500.5), owner=OWNER)

    assert (await store.load_schedule(NIGHTLY, at=later(1000))).handled_until == NOW
    assert (await store.list_schedules(at=later(1000)))[NIGHTLY].handled_until == NOW


async def test_a_due_time_starts_a_run_beside_a_manual_one_at_the_same_moment(store: Store) -> None:
    await registered(store)
    due = NOW.replace(second=0, microsecond=0)
    manual = await store.insert_run(fired_run(due_at=due, trigger=FiringTrigger.MANUAL), owner=OWNER)
    await end(store, manual, Status.FAILED)

    run = await store.insert_run(fired_run(due_at=due), owner=OWNER)

    assert [found.run_id for found in await store.list_firings(limit=10) if found.due_at == due] == [run.id]


async def test_manual_runs_of_the_same_moment_are_all_listed(store: Store) -> None:
    await registered(store)
    run = await store.insert_run(manual_run(), owner=OWNER)
    joined = firing(trigger=FiringTrigger.MANUAL, outcome=FiringOutcome.JOINED, run_id=run.id)

    assert await store.record_firing(joined)
    assert await store.record_firing(joined)

    assert [found.run_id for found in await store.list_firings(limit=10)] == [run.id] * 3


async def test_a_paused_schedule_runs_by_hand(store: Store) -> None:
    await registered(store)
    await store.pause_schedule(NIGHTLY, requested_by="ada", reason="holidays", at=later(5))

    run = await store.insert_run(manual_run(10), owner=OWNER)

    assert [found.run_id for found in await store.list_firings(limit=10)] == [run.id]


async def test_a_manual_run_does_not_do_the_work_of_a_skipped_due_time(store: Store) -> None:
    await registered(store)
    waiting = await store.insert_run(fired_run(late_at=later(500)), owner=OWNER)
    await end(store, waiting, Status.FAILED)
    await completed(store, await store.insert_run(manual_run(5), owner=OWNER), at=100)
    await store.record_firing(firing(10, outcome=FiringOutcome.SKIPPED, late_at=later(500)))

    late = [found.due_at for found in await store.list_unsettled_firings(at=later(500)) if found.late]

    assert sorted(late) == [NOW, later(10)]


async def test_manual_runs_do_not_displace_the_firings_of_due_times(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solorun.stores.sql.schedules.MAX_FIRINGS", 2)
    await registered(store)
    for due in (0, 1):
        await store.record_firing(firing(due, outcome=FiringOutcome.MISSED))
    for moment in range(3):
        await store.record_firing(firing(10 + moment, trigger=FiringTrigger.MANUAL, outcome=FiringOutcome.JOINED))

    listed = await store.list_firings(limit=10)
    found = [(each.trigger.value, (each.due_at - NOW) // timedelta(seconds=1)) for each in listed]

    assert found == [("manual", 12), ("manual", 11), ("schedule", 1), ("schedule", 0)]
