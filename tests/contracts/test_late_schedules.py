"""A schedule whose runs have not completed in time is reported late, once until it has completed again."""

from dataclasses import replace
from datetime import datetime

import pytest

from solorun.notification import NewNotification, NotifyEvent
from solorun.schedule import Firing, FiringOutcome
from solorun.status import Status
from solorun.store import DeliveryFilter, Store
from tests.contracts.builders import OWNER, beginning, end, later, new_run
from tests.contracts.firings import NIGHTLY, completed, delete, fired_run, firing, registered


async def settle_late(store: Store, at: datetime) -> list[Firing]:
    """Settle what can be settled. Returns what is late."""
    found = await store.list_unsettled_firings(at=at)
    settled = await store.settle_firings(found)
    assert settled == found
    assert await store.settle_firings(found) == []
    return [each for each in found if each.late]


async def test_a_firing_is_late_if_its_run_has_not_completed(store: Store) -> None:
    await registered(store)
    run = await store.insert_run(fired_run(late_at=later(500)), owner=OWNER)

    assert await settle_late(store, at=later(499)) == []
    late = firing(late_at=later(500), run_id=run.id, run_status=Status.PENDING, late=True)
    assert await settle_late(store, at=later(500)) == [late]
    assert await settle_late(store, at=later(501)) == []
    assert await store.list_firings(limit=10) == [late]


async def test_a_firing_whose_run_completed_in_time_is_not_late(store: Store) -> None:
    await registered(store)
    await completed(store, await store.insert_run(fired_run(late_at=later(500)), owner=OWNER), at=500)

    assert await settle_late(store, at=later(900)) == []
    assert [found.late for found in await store.list_firings(limit=10)] == [False]


async def test_a_firing_whose_run_was_repeated_in_time_is_not_late(store: Store) -> None:
    await registered(store)
    failed = await end(store, await store.insert_run(fired_run(late_at=later(500)), owner=OWNER), Status.FAILED)
    await completed(store, await store.insert_run(replace(new_run(), rerun_of=failed.id), owner=OWNER), at=400)

    assert await settle_late(store, at=later(900)) == []


@pytest.mark.parametrize(("status", "late"), [(Status.COMPLETED, []), (Status.FAILED, [0, 10, 20])])
async def test_skipped_firings_are_late_if_the_run_that_waited_is(
    store: Store, status: Status, late: list[float]
) -> None:
    await registered(store)
    waiting = await store.insert_run(fired_run(late_at=later(500)), owner=OWNER)
    for due in (10, 20):
        await store.record_firing(firing(due, outcome=FiringOutcome.SKIPPED, late_at=later(500)))
    await store.commit([beginning(waiting, at=30)], owner=OWNER)
    await end(store, await store.get_run(waiting.id), status, at=60)

    found = await settle_late(store, at=later(500))

    assert sorted(each.due_at for each in found) == [later(due) for due in late]


async def test_a_refused_firing_is_late(store: Store) -> None:
    await registered(store)
    await store.record_firing(firing(outcome=FiringOutcome.REFUSED, reason="busy", late_at=later(500)))

    assert [found.reason for found in await settle_late(store, at=later(900))] == ["busy"]


async def test_a_firing_whose_run_completed_in_time_is_not_late_after_the_run_is_deleted(store: Store) -> None:
    await registered(store)
    failed = await end(store, await store.insert_run(fired_run(late_at=later(500)), owner=OWNER), Status.FAILED)
    again = await end(store, await store.insert_run(replace(new_run(), rerun_of=failed.id), owner=OWNER), Status.FAILED)
    rerun = await completed(store, await store.insert_run(replace(new_run(), rerun_of=again.id), owner=OWNER), at=400)

    await delete(store, failed, again, rerun)

    assert await settle_late(store, at=later(500)) == []


def refused(due: float, late_at: float) -> Firing:
    return firing(due, outcome=FiringOutcome.REFUSED, reason="busy", late_at=later(late_at))


async def report(store: Store, at: float) -> list[str]:
    """Settle what can be settled, and report it. Returns what has been reported so far, oldest first."""
    news = NewNotification(NotifyEvent.LATE, "handbook", key=f"late at {at}", occurred_at=later(at), detail=f"at {at}")
    await store.settle_firings(await store.list_unsettled_firings(at=later(at)), news=news, targets=["ops"])
    return [delivery.detail for delivery in reversed(await store.list_deliveries(DeliveryFilter()))]


async def test_several_due_times_that_are_late_are_reported_once(store: Store) -> None:
    await registered(store)
    for due in (0, 10, 20):
        await store.record_firing(refused(due, late_at=500))

    assert await report(store, at=499) == []
    assert await report(store, at=500) == ["at 500"]
    assert await report(store, at=501) == ["at 500"]


async def test_a_schedule_is_reported_late_once_until_it_has_completed_again(store: Store) -> None:
    await registered(store)
    for due in (0, 1000, 2000):
        await store.record_firing(refused(due, late_at=due + 500))
        assert await report(store, at=due + 500) == ["at 500"]

    await completed(store, await store.insert_run(fired_run(3000, late_at=later(3500)), owner=OWNER), at=3100)
    assert await report(store, at=3500) == ["at 500"]
    await store.record_firing(refused(4000, late_at=4500))

    assert await report(store, at=4500) == ["at 500", "at 4500"]


async def test_a_run_that_completes_before_it_is_reported_late_lets_the_schedule_be_reported_again(
    store: Store,
) -> None:
    await registered(store)
    await completed(store, await store.insert_run(fired_run(late_at=later(500)), owner=OWNER), at=501)
    assert await report(store, at=502) == ["at 502"]

    await store.record_firing(refused(1000, late_at=1500))

    assert await report(store, at=1500) == ["at 502", "at 1500"]


async def test_a_run_that_completes_after_it_was_reported_late_lets_the_schedule_be_reported_again(
    store: Store,
) -> None:
    await registered(store)
    run = await store.insert_run(fired_run(late_at=later(500)), owner=OWNER)
    assert await report(store, at=500) == ["at 500"]
    await completed(store, run, at=900)

    await store.record_firing(refused(1000, late_at=1500))

    assert await report(store, at=1500) == ["at 500", "at 1500"]


async def test_a_rerun_that_completes_lets_the_schedule_be_reported_again(store: Store) -> None:
    await registered(store)
    failed = await end(store, await store.insert_run(fired_run(late_at=later(500)), owner=OWNER), Status.FAILED)
    assert await report(store, at=500) == ["at 500"]
    again = await end(store, await store.insert_run(replace(new_run(), rerun_of=failed.id), owner=OWNER), Status.FAILED)
    await store.record_firing(refused(1000, late_at=1500))
    assert await report(store, at=1500) == ["at 500"]

    await completed(store, await store.insert_run(replace(new_run(), rerun_of=again.id), owner=OWNER), at=1600)
    await store.record_firing(refused(2000, late_at=2500))

    assert await report(store, at=2500) == ["at 500", "at 2500"]


async def test_a_schedule_that_begins_afresh_can_be_reported_late_again(store: Store) -> None:
    await registered(store)
    await store.record_firing(refused(0, late_at=500))
    await report(store, at=500)

    await store.register_schedules({NIGHTLY: "0 4 * * *"}, at=later(600))
    await store.record_firing(refused(1000, late_at=1500))
    assert await report(store, at=1500) == ["at 500", "at 1500"]

    await store.pause_schedule(NIGHTLY, requested_by="ada", reason="", at=later(1600))
    await store.resume_schedule(NIGHTLY, at=later(1700))
    await store.record_firing(refused(2000, late_at=2500))
    assert await report(store, at=2500) == ["at 500", "at 1500", "at 2500"]


async def test_a_schedule_that_is_not_late_is_not_reported(store: Store) -> None:
    await registered(store)
    await completed(store, await store.insert_run(fired_run(late_at=later(500)), owner=OWNER), at=400)

    assert await report(store, at=500) == []


async def test_a_schedule_whose_lateness_has_ended_can_be_reported_late_again(store: Store) -> None:
    await registered(store)
    await store.record_firing(refused(0, late_at=500))
    await report(store, at=500)

    await store.end_lateness(NIGHTLY)
    await store.record_firing(refused(1000, late_at=1500))

    assert await report(store, at=1500) == ["at 500", "at 1500"]
