"""Deliveries: written with the end of a run, claimed by one process at a time, tried for a day."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from solorun.errors import DeliveryNotFound
from solorun.notification import Delivery, DeliveryStatus, NewNotification, NotifyEvent
from solorun.outbox import GIVE_UP_AFTER, AttemptResult, ClaimedDelivery, DeliveryFilter
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.status import ACTIVE, Status
from solorun.store import NewRun, Store
from tests.contracts.builders import NOW, OWNER, batch_of, beginning, end, ending, later, new_run

ALL = tuple(NotifyEvent)
EVERYTHING: Mapping[str, Collection[NotifyEvent]] = {"ops": ALL}
MESSAGE = b'{"id": "1"}'


def announced(policy: ConflictPolicy = ConflictPolicy.REJECT, **targets: Collection[NotifyEvent]) -> NewRun:
    return replace(new_run(), notify=targets or EVERYTHING, on_conflict=policy)


async def begin(store: Store, new: NewRun) -> Run:
    run = await store.insert_run(new, owner=OWNER)
    await store.commit([beginning(run, at=1)], owner=OWNER)
    return await store.get_run(run.id)


async def run_to(store: Store, status: Status, new: NewRun | None = None) -> Run:
    return await end(store, await begin(store, new or announced()), status)


async def events_of(store: Store, run: Run) -> list[tuple[str, NotifyEvent]]:
    found = await store.list_deliveries(DeliveryFilter(run_id=run.id))
    return [(delivery.target, delivery.event) for delivery in reversed(found)]


async def claim(store: Store, *, at: float = 100, owner: str = OWNER, limit: int = 10) -> list[ClaimedDelivery]:
    return await store.claim_deliveries("ops", owner=owner, at=later(at), until=later(at + 30), limit=limit)


def failure(*, at: float, retry_at: float) -> AttemptResult:
    return AttemptResult(later(at), MESSAGE, "503", later(retry_at))


def success(*, at: float) -> AttemptResult:
    return AttemptResult(later(at), MESSAGE, None, later(at))


# -- what the end of a run writes


async def fail(store: Store) -> Run:
    return await run_to(store, Status.FAILED)


async def commit_again(store: Store) -> Run:
    run = await begin(store, announced())
    batch = batch_of(run, end=ending(Status.FAILED))
    await store.commit([batch], owner=OWNER)
    await store.commit([batch], owner=OWNER)
    return run


async def finalize(store: Store) -> Run:
    run = await store.insert_run(announced(), owner=OWNER)
    for _ in range(2):
        await store.finalize_run(run.id, owner=None, expected=ACTIVE, ending=ending(Status.INTERRUPTED))
    return run


async def cancel_queued(store: Store) -> Run:
    await begin(store, new_run())
    run = await store.insert_run(announced(ConflictPolicy.QUEUE), owner=OWNER)
    for _ in range(2):
        await store.request_cancel(run.id, requested_by="api", reason="", at=NOW)
    return run


async def replace_queued(store: Store) -> Run:
    await begin(store, new_run())
    run = await store.insert_run(announced(ConflictPolicy.REPLACE), owner=OWNER)
    await store.insert_run(replace(new_run(), on_conflict=ConflictPolicy.REPLACE), owner=OWNER)
    return run


async def cancel_promoted(store: Store) -> Run:
    active = await begin(store, new_run())
    await store.insert_run(announced(ConflictPolicy.QUEUE), owner=OWNER)
    await end(store, active)
    (run,) = await store.claim_promoted_runs(owner=OWNER)
    await store.finalize_run(run.id, owner=OWNER, expected=ACTIVE, ending=ending(Status.CANCELLED))
    return run


@pytest.mark.parametrize(
    ("end_run", "event"),
    [
        (fail, NotifyEvent.FAILED),
        (commit_again, NotifyEvent.FAILED),
        (finalize, NotifyEvent.INTERRUPTED),
        (cancel_queued, NotifyEvent.CANCELLED),
        (replace_queued, NotifyEvent.CANCELLED),
        (cancel_promoted, NotifyEvent.CANCELLED),
    ],
)
async def test_every_end_of_a_run_adds_its_deliveries_once(
    store: Store, end_run: Callable[[Store], Awaitable[Run]], event: NotifyEvent
) -> None:
    run = await end_run(store)

    assert await events_of(store, run) == [("ops", event)]


async def test_a_target_gets_only_the_events_it_receives(store: Store) -> None:
    new = announced(ops=[NotifyEvent.FAILED], crm=[NotifyEvent.FAILED, NotifyEvent.COMPLETED])

    failed = await run_to(store, Status.FAILED, new)
    completed = await run_to(store, Status.COMPLETED, new)

    assert await events_of(store, failed) == [("crm", NotifyEvent.FAILED), ("ops", NotifyEvent.FAILED)]
    assert await events_of(store, completed) == [("crm", NotifyEvent.COMPLETED)]


async def test_a_run_without_targets_adds_nothing(store: Store) -> None:
    await run_to(store, Status.FAILED, new_run())

    assert await store.list_deliveries(DeliveryFilter()) == []


async def test_a_batch_of_another_owner_adds_nothing(store: Store) -> None:
    run = await begin(store, announced())

    await store.commit([batch_of(run, end=ending(Status.FAILED))], owner="another")

    assert await events_of(store, run) == []


@pytest.mark.parametrize("broken", [Status.FAILED, Status.INTERRUPTED])
async def test_a_project_recovers_once(store: Store, broken: Status) -> None:
    await run_to(store, broken)

    first = await run_to(store, Status.COMPLETED)
    second = await run_to(store, Status.COMPLETED)

    assert await events_of(store, first) == [("ops", NotifyEvent.RECOVERED)]
    assert await events_of(store, second) == [("ops", NotifyEvent.COMPLETED)]


async def test_a_cancelled_run_between_does_not_hide_the_recovery(store: Store) -> None:
    await run_to(store, Status.FAILED)
    await run_to(store, Status.CANCELLED)

    run = await run_to(store, Status.COMPLETED)

    assert await events_of(store, run) == [("ops", NotifyEvent.RECOVERED)]


async def test_another_project_does_not_recover(store: Store) -> None:
    await run_to(store, Status.FAILED)

    run = await run_to(store, Status.COMPLETED, replace(announced(), project="site"))

    assert await events_of(store, run) == [("ops", NotifyEvent.COMPLETED)]


async def test_a_target_without_recovered_gets_completed(store: Store) -> None:
    await run_to(store, Status.FAILED)

    run = await run_to(store, Status.COMPLETED, announced(ops=[NotifyEvent.COMPLETED], crm=[NotifyEvent.RECOVERED]))

    assert await events_of(store, run) == [("crm", NotifyEvent.RECOVERED), ("ops", NotifyEvent.COMPLETED)]


# -- other news


async def test_news_with_the_same_key_is_added_once(store: Store) -> None:
    late = NewNotification(NotifyEvent.LATE, "etl", "nightly-20260301", NOW, "not completed by 07:00")

    first = await store.add_notification(late, ["ops", "crm"])
    second = await store.add_notification(late, ["ops", "crm"])

    assert [(delivery.target, delivery.detail) for delivery in first] == [("ops", late.detail), ("crm", late.detail)]
    assert second == []


# -- sending


async def test_a_new_delivery_is_due_immediately(store: Store) -> None:
    run = await run_to(store, Status.FAILED)

    (claimed,) = await claim(store)

    assert (claimed.delivery.run_id, claimed.delivery.status, claimed.payload) == (run.id, DeliveryStatus.PENDING, None)
    assert claimed.delivery.occurred_at == run.finished_at


async def test_a_delivery_is_claimed_by_one_process_at_a_time(open_store: Callable[[], Awaitable[Store]]) -> None:
    store = await open_store()
    await run_to(store, Status.FAILED)

    first = await claim(store, at=100, owner="one")
    during = await claim(store, at=129, owner="two")
    afterwards = await claim(store, at=131, owner="two")

    assert [len(claimed) for claimed in (first, during, afterwards)] == [1, 0, 1]
    assert await store.record_attempt(first[0], success(at=132)) is None
    assert await store.record_attempt(afterwards[0], success(at=133)) is not None


async def test_the_deliveries_due_longest_are_claimed_first(store: Store) -> None:
    runs = [await run_to(store, Status.FAILED) for _ in range(3)]

    first = await claim(store, limit=2)
    rest = await claim(store, limit=2)

    assert [each.delivery.run_id for each in (*first, *rest)] == [run.id for run in runs]


async def test_an_accepted_delivery_is_delivered(store: Store) -> None:
    await run_to(store, Status.FAILED)
    (claimed,) = await claim(store)

    delivery = await store.record_attempt(claimed, success(at=101))

    assert delivery is not None
    assert (delivery.status, delivery.attempt_count, delivery.finished_at) == (DeliveryStatus.DELIVERED, 1, later(101))
    assert delivery.next_attempt_at is None
    assert await store.get_delivery(delivery.id) == (delivery, MESSAGE)
    assert await claim(store, at=9999) == []


async def test_a_failed_delivery_is_due_again_with_the_same_payload(store: Store) -> None:
    await run_to(store, Status.FAILED)
    (claimed,) = await claim(store)

    delivery = await store.record_attempt(claimed, failure(at=101, retry_at=106))

    assert delivery is not None
    assert (delivery.status, delivery.next_attempt_at) == (DeliveryStatus.PENDING, later(106))
    assert [(attempt.at, attempt.error) for attempt in delivery.attempts] == [(later(101), "503")]
    assert await store.list_due_targets(at=later(105)) == []
    assert await store.list_due_targets(at=later(106)) == ["ops"]
    (again,) = await claim(store, at=106)
    assert again.payload == MESSAGE


async def test_a_delivery_is_given_up_after_a_day_of_attempts(store: Store) -> None:
    await run_to(store, Status.FAILED)
    day = GIVE_UP_AFTER.total_seconds()
    (claimed,) = await claim(store, at=9_000_000)
    await store.record_attempt(claimed, failure(at=9_000_000, retry_at=9_000_000 + day))
    (claimed,) = await claim(store, at=9_000_000 + day)

    delivery = await store.record_attempt(claimed, failure(at=9_000_000 + day, retry_at=9_000_001 + day))

    assert delivery is not None
    assert (delivery.status, delivery.attempt_count) == (DeliveryStatus.GIVEN_UP, 2)


async def given_up(store: Store) -> Delivery:
    await run_to(store, Status.FAILED)
    (claimed,) = await claim(store)
    delivery = await store.record_attempt(claimed, failure(at=100, retry_at=999_999))
    assert delivery is not None
    return delivery


async def test_a_delivery_can_be_sent_again(store: Store) -> None:
    delivery = await given_up(store)

    again = await store.redeliver(delivery.id)

    assert (delivery.status, again.status) == (DeliveryStatus.GIVEN_UP, DeliveryStatus.PENDING)
    (claimed,) = await claim(store, at=500_000)
    retried = await store.record_attempt(claimed, failure(at=500_000, retry_at=500_060))
    assert retried is not None
    assert (retried.status, retried.attempt_count) == (DeliveryStatus.PENDING, 2)


async def test_sending_again_ends_a_claim(store: Store) -> None:
    await run_to(store, Status.FAILED)
    (claimed,) = await claim(store)

    await store.redeliver(claimed.delivery.id)

    assert await store.record_attempt(claimed, success(at=101)) is None
    assert len(await claim(store, at=101)) == 1


async def test_an_unknown_delivery_is_not_found(store: Store) -> None:
    with pytest.raises(DeliveryNotFound):
        await store.redeliver(77)

    with pytest.raises(DeliveryNotFound):
        await store.get_delivery(2**70)


async def test_a_process_releases_its_own_claims(store: Store) -> None:
    await run_to(store, Status.FAILED)
    await run_to(store, Status.FAILED)
    await claim(store, owner="one", limit=1)
    (other,) = await claim(store, owner="one-more", limit=1)

    await store.release_deliveries("one")

    assert [each.delivery.id for each in await claim(store, owner="two")] == [other.delivery.id - 1]


async def test_all_claims_can_be_released(store: Store) -> None:
    await run_to(store, Status.FAILED)
    await claim(store, owner="one")

    await store.release_deliveries(None)

    assert len(await claim(store, owner="two")) == 1


# -- lists and upkeep


async def test_deliveries_are_listed_newest_first_and_selected(store: Store) -> None:
    first = await run_to(store, Status.FAILED)
    second = await run_to(store, Status.FAILED, replace(announced(crm=ALL), project="site"))

    async def runs(selected: DeliveryFilter, *, before_id: int | None = None, limit: int = 50) -> list[int | None]:
        found = await store.list_deliveries(selected, before_id=before_id, limit=limit)
        return [delivery.run_id for delivery in found]

    newest = (await store.list_deliveries(DeliveryFilter()))[0]
    assert await runs(DeliveryFilter()) == [second.id, first.id]
    assert await runs(DeliveryFilter(), limit=1) == [second.id]
    assert await runs(DeliveryFilter(), before_id=newest.id) == [first.id]
    assert await runs(DeliveryFilter(target="ops")) == [first.id]
    assert await runs(DeliveryFilter(project="site", status=DeliveryStatus.PENDING)) == [second.id]
    assert await runs(DeliveryFilter(run_id=first.id, target="crm")) == []
    assert await runs(DeliveryFilter(status=DeliveryStatus.DELIVERED)) == []
    assert await store.count_pending_deliveries() == {"ops": 1, "crm": 1}


async def test_stale_deliveries_of_an_undeclared_target_are_given_up(store: Store) -> None:
    run = await run_to(store, Status.FAILED)
    assert run.finished_at is not None
    day = timedelta(days=1)

    kept = await store.give_up_deliveries("ops", occurred_before=run.finished_at, at=NOW + day, error="unknown")
    count = await store.give_up_deliveries("ops", occurred_before=NOW + day, at=NOW + day, error="unknown")

    (delivery,) = await store.list_deliveries(DeliveryFilter())
    assert (kept, count) == (0, 1)
    assert (delivery.status, delivery.attempts[-1].error) == (DeliveryStatus.GIVEN_UP, "unknown")


async def test_old_deliveries_are_deleted_unless_they_are_pending(store: Store) -> None:
    done = await given_up(store)
    await run_to(store, Status.FAILED)

    early = await store.delete_deliveries(finished_before=later(100))
    deleted = await store.delete_deliveries(finished_before=later(101))

    assert (early, deleted) == (0, 1)
    assert [each.id for each in await store.list_deliveries(DeliveryFilter())] == [done.id + 1]
