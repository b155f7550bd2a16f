"""Deliveries of the outbox: claims, attempts, repetitions and the end of old ones."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from solorun.errors import DeliveryNotFound
from solorun.notification import Delivery, DeliveryStatus
from solorun.status import Status
from solorun.store import GIVE_UP_AFTER, AttemptResult, ClaimedDelivery, DeliveryFilter, Store
from tests.contracts.builders import NOW, OWNER, later
from tests.contracts.outbox_builders import ALL, announced, run_to

MESSAGE = b'{"id": "1"}'


async def claim(store: Store, *, at: float = 100, owner: str = OWNER, limit: int = 10) -> list[ClaimedDelivery]:
    return await store.claim_deliveries("ops", owner=owner, at=later(at), until=later(at + 30), limit=limit)


def failure(*, at: float, retry_at: float) -> AttemptResult:
    return AttemptResult(later(at), MESSAGE, "503", later(retry_at))


def success(*, at: float) -> AttemptResult:
    return AttemptResult(later(at), MESSAGE, None, later(at))


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
