"""Each due time of a schedule is recorded once, and the state of a schedule survives its store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from solorun.errors import ScheduleNotFound, StartRepeated
from solorun.queueing import ConflictPolicy
from solorun.run import Cancel
from solorun.schedule import FiringOutcome, ScheduleState
from solorun.status import Status
from solorun.store import Store
from tests.contracts.builders import NOW, OWNER, beginning, end, ending, later, new_run
from tests.contracts.conftest import OpenStore
from tests.contracts.firings import NIGHTLY, completed, delete, fired_run, firing, registered


async def handled_until(store: Store, at: float = 1000) -> timedelta:
    return (await store.load_schedule(NIGHTLY, at=later(at))).handled_until - NOW


async def test_a_run_is_inserted_with_its_firing(store: Store) -> None:
    await registered(store)

    run = await store.insert_run(fired_run(late_at=later(500)), owner=OWNER)

    (found,) = await store.list_firings(limit=10)
    assert found == firing(late_at=later(500), run_id=run.id, run_status=Status.PENDING)
    assert await store.list_last_firings() == {NIGHTLY: found}


async def test_a_due_time_starts_one_run(store: Store) -> None:
    await registered(store)
    run = await end(store, await store.insert_run(fired_run(), owner=OWNER), Status.INTERRUPTED)

    with pytest.raises(StartRepeated):
        await store.insert_run(fired_run(), owner="another-service")

    assert await store.list_runs() == [run]


@pytest.mark.parametrize("policy", [ConflictPolicy.QUEUE, ConflictPolicy.REPLACE])
async def test_a_due_time_that_was_handled_queues_nothing_and_cancels_nothing(
    store: Store, policy: ConflictPolicy
) -> None:
    await registered(store)
    run = await store.insert_run(fired_run(), owner=OWNER)

    with pytest.raises(StartRepeated):
        await store.insert_run(replace(fired_run(), on_conflict=policy), owner=OWNER)

    assert await store.list_runs() == [run]


async def test_a_due_time_without_a_run_is_recorded_once(store: Store) -> None:
    await registered(store)
    refused = firing(outcome=FiringOutcome.REFUSED, reason="busy", missed_count=3)

    assert await store.record_firing(refused)
    assert not await store.record_firing(firing(outcome=FiringOutcome.MISSED))
    with pytest.raises(StartRepeated):
        await store.insert_run(fired_run(), owner=OWNER)

    assert await store.list_firings(limit=10) == [refused]
    assert await store.list_runs() == []


async def test_a_schedule_begins_when_it_is_registered(store: Store) -> None:
    await registered(store, at=5)
    await registered(store, at=10)

    assert await handled_until(store) == timedelta(seconds=5)


async def test_a_schedule_with_another_timing_begins_afresh(store: Store) -> None:
    await store.register_schedules({NIGHTLY: "0 3 * * *", "other": "* * * * *"}, at=later(5))
    await store.register_schedules({NIGHTLY: "0 4 * * *", "other": "* * * * *"}, at=later(10))

    assert await handled_until(store) == timedelta(seconds=10)
    assert (await store.load_schedule("other", at=later(20))).handled_until == later(5)


async def test_a_schedule_that_is_declared_again_begins_afresh(store: Store) -> None:
    await registered(store, at=5)
    await store.register_schedules({}, at=later(6))
    await registered(store, at=10)

    assert await handled_until(store) == timedelta(seconds=10)


async def test_due_times_that_are_still_to_come_have_not_been_handled(store: Store) -> None:
    await registered(store)
    await store.record_firing(firing(10, outcome=FiringOutcome.MISSED))
    await store.record_firing(firing(500, outcome=FiringOutcome.MISSED))

    assert await handled_until(store, at=499) == timedelta(seconds=10)
    assert await handled_until(store, at=500) == timedelta(seconds=500)


async def test_a_paused_schedule_starts_nothing(store: Store) -> None:
    await registered(store)
    await store.pause_schedule(NIGHTLY, requested_by="ada", reason="holidays", at=later(1))

    with pytest.raises(StartRepeated):
        await store.insert_run(fired_run(2), owner=OWNER)
    assert not await store.record_firing(firing(2))

    assert await store.list_runs() == []
    state = ScheduleState(later(-100), later(1), "ada", "holidays")
    assert await store.list_schedules(at=later(5)) == {NIGHTLY: state}


async def test_a_pause_survives_its_store_and_keeps_its_first_reason(open_store: OpenStore) -> None:
    store = await open_store()
    await registered(store)
    assert await store.pause_schedule(NIGHTLY, requested_by="ada", reason="holidays", at=later(1))
    assert not await store.pause_schedule(NIGHTLY, requested_by="ben", reason="moving", at=later(2))
    await store.close()

    state = await (await open_store()).load_schedule(NIGHTLY, at=later(5))

    assert (state.paused_at, state.paused_by, state.pause_reason) == (later(1), "ada", "holidays")


async def test_a_resumed_schedule_does_not_catch_up(store: Store) -> None:
    await registered(store)
    await store.pause_schedule(NIGHTLY, requested_by="ada", reason="", at=later(1))
    await store.resume_schedule(NIGHTLY, at=later(50))
    await store.resume_schedule(NIGHTLY, at=later(60))

    assert await store.load_schedule(NIGHTLY, at=later(70)) == ScheduleState(later(50))


async def test_an_unknown_schedule_is_not_found(store: Store) -> None:
    with pytest.raises(ScheduleNotFound):
        await store.load_schedule("unknown", at=NOW)
    with pytest.raises(ScheduleNotFound):
        await store.pause_schedule("unknown", requested_by="ada", reason="", at=NOW)
    with pytest.raises(ScheduleNotFound):
        await store.resume_schedule("unknown", at=NOW)


async def test_firings_are_listed_newest_first(store: Store) -> None:
    await store.register_schedules({NIGHTLY: "", "other": ""}, at=NOW)
    for due in (10, 30, 20):
        await store.record_firing(firing(due, outcome=FiringOutcome.MISSED))
    await store.record_firing(firing(25, outcome=FiringOutcome.MISSED, schedule="other"))

    dues = [found.due_at - NOW for found in await store.list_firings(schedule=NIGHTLY, after=later(10), limit=10)]
    assert dues == [timedelta(seconds=30), timedelta(seconds=20)]
    assert [found.schedule for found in await store.list_firings(limit=2)] == [NIGHTLY, "other"]
    last = {name: found.due_at for name, found in (await store.list_last_firings()).items()}
    assert last == {NIGHTLY: later(30), "other": later(25)}


async def test_the_oldest_firings_are_deleted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solorun.stores.sql.schedules.MAX_FIRINGS", 3)
    await registered(store)
    for due in range(5):
        await store.record_firing(firing(due, outcome=FiringOutcome.MISSED))

    assert [found.due_at for found in await store.list_firings(limit=10)] == [later(4), later(3), later(2)]


async def test_a_run_whose_start_was_not_confirmed_gives_its_due_time_back(store: Store) -> None:
    await registered(store)
    run = await store.insert_run(fired_run(), owner=OWNER)

    cancel = Cancel(NOW, "solorun", "too late")
    await store.give_up_start(run.id, owner=OWNER, ending=ending(Status.FAILED, "too late"), cancel=cancel)

    assert await store.list_firings(limit=10) == []
    assert (await store.insert_run(fired_run(), owner=OWNER)).id > run.id


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
async def test_a_firing_keeps_how_its_run_ended_when_the_run_is_deleted(store: Store, status: Status) -> None:
    await registered(store)
    run = await store.insert_run(fired_run(), owner=OWNER)
    await store.commit([beginning(run, at=2)], owner=OWNER)
    await end(store, await store.get_run(run.id), status, at=60)

    await delete(store, run)

    (found,) = await store.list_firings(limit=10)
    assert (found.run_id, found.run_status, found.run_deleted) == (run.id, status, True)
    assert (found.run_started_at, found.run_finished_at) == (later(2), later(60))
    assert await store.list_last_firings() == {NIGHTLY: found}


async def test_a_firing_keeps_that_its_run_was_cancelled_in_the_queue(store: Store) -> None:
    await registered(store)
    await store.insert_run(new_run(), owner=OWNER)
    waiting = await store.insert_run(replace(fired_run(), on_conflict=ConflictPolicy.QUEUE), owner=OWNER)
    await store.request_cancel(waiting.id, Cancel(later(5), "ada"))

    await delete(store, waiting)

    assert [found.run_status for found in await store.list_firings(limit=10)] == [Status.CANCELLED]


async def test_a_firing_that_joins_a_run_that_has_just_ended_keeps_how_it_ended(store: Store) -> None:
    await registered(store)
    run = await completed(store, await store.insert_run(new_run(), owner=OWNER), at=60)
    await store.record_firing(firing(outcome=FiringOutcome.JOINED, run_id=run.id))

    await delete(store, run)

    assert [found.run_status for found in await store.list_firings(limit=10)] == [Status.COMPLETED]


async def test_a_rerun_does_not_change_how_the_run_of_a_firing_ended(store: Store) -> None:
    await registered(store)
    failed = await end(store, await store.insert_run(fired_run(), owner=OWNER), Status.FAILED)
    await completed(store, await store.insert_run(replace(new_run(), rerun_of=failed.id), owner=OWNER), at=90)

    (found,) = await store.list_firings(limit=10)
    assert (found.run_status, found.run_deleted) == (Status.FAILED, False)
