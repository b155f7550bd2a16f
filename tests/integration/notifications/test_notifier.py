"""The notifier on a real outbox, with a scripted sender."""

import asyncio
from datetime import timedelta

import pytest

from solorun.notification import DeliveryStatus
from solorun.notifications import Notifier
from solorun.notifications.cloud_event import decode_cloud_event
from solorun.notifications.not_delivered import NotDelivered
from solorun.notifications.notifier import LANE_SIZE
from solorun.store import Store
from tests.integration.notifications.scripted_sender import (
    NOW,
    Clock,
    ScriptedSender,
    add,
    all_are,
    notifying,
    tried,
    until,
)


async def until_counted(notifier: Notifier, **outcomes: int) -> None:
    """Wait until the attempts to reach ops had these outcomes. They are counted after they are recorded."""
    async with asyncio.timeout(60):
        while {outcome: count for (_, outcome), count in notifier.count_attempts().items() if count} != outcomes:
            await asyncio.sleep(0.005)


async def test_a_due_delivery_is_sent(store: Store) -> None:
    sender = ScriptedSender()
    await add(store, "ops")

    async with notifying(store, sender, "ops") as notifier:
        await until_counted(notifier, delivered=1)

    ((name, payload),) = sender.sent
    assert (name, decode_cloud_event(payload).data.title) == ("ops", "etl is late: not done by 07:00")


async def test_a_failed_delivery_is_tried_again_with_the_same_payload(store: Store) -> None:
    sender = ScriptedSender({"ops": [NotDelivered("answered 500"), NotDelivered("answered 503", 1800)]})
    clock = Clock()
    await add(store, "ops")

    async with notifying(store, sender, "ops", clock=clock) as notifier:
        (first,) = await until(store, tried(1))
        clock.advance(timedelta(seconds=10))
        (second,) = await until(store, tried(2))
        clock.advance(timedelta(minutes=30))
        (third,) = await until(store, tried(3))
        await until_counted(notifier, failed=2, delivered=1)

    assert first.next_attempt_at is not None
    assert NOW + timedelta(seconds=3) < first.next_attempt_at < NOW + timedelta(seconds=7)
    assert second.next_attempt_at == NOW + timedelta(seconds=1810)
    assert [attempt.error for attempt in third.attempts] == ["answered 500", "answered 503", None]
    assert third.status is DeliveryStatus.DELIVERED


async def test_a_delivery_is_given_up_after_a_day(store: Store) -> None:
    sender = ScriptedSender({"ops": [NotDelivered("answered 500")] * 2})
    clock = Clock()
    await add(store, "ops")

    async with notifying(store, sender, "ops", clock=clock) as notifier:
        await until(store, tried(1))
        clock.advance(timedelta(days=1, seconds=1))
        await until(store, all_are(DeliveryStatus.GIVEN_UP))
        await until_counted(notifier, failed=1, given_up=1)


async def test_a_receiver_that_hangs_delays_no_other(store: Store) -> None:
    sender = ScriptedSender(held={"dead": asyncio.Event()})
    for key in range(20):
        await add(store, "dead", "ops", key=str(key))

    async with notifying(store, sender, "dead", "ops"):
        found = await until(store, lambda found: sum(each.status == "delivered" for each in found) == 20)

    assert {each.target for each in found if each.status is DeliveryStatus.DELIVERED} == {"ops"}
    assert sender.begun == {"dead": LANE_SIZE, "ops": 20}


@pytest.mark.parametrize("shares_outbox", [False, True], ids=["the only service", "one of several"])
async def test_what_was_being_sent_at_a_stop_is_sent_by_the_next_service(store: Store, shares_outbox: bool) -> None:
    held = ScriptedSender(held={"ops": asyncio.Event()})
    await add(store, "ops")
    async with notifying(store, held, "ops", shares_outbox=shares_outbox), asyncio.timeout(60):
        while not held.begun:
            await asyncio.sleep(0.005)

    sender = ScriptedSender()
    async with notifying(store, sender, "ops", owner="next", shares_outbox=shares_outbox):
        await until(store, all_are(DeliveryStatus.DELIVERED))

    assert len(sender.sent) == 1


async def claim_and_die(store: Store) -> None:
    await add(store, "ops")
    assert await store.claim_deliveries("ops", owner="dead", at=NOW, until=NOW + timedelta(minutes=2), limit=8)


async def test_the_claims_of_a_killed_service_end_when_the_only_service_starts(store: Store) -> None:
    await claim_and_die(store)

    async with notifying(store, ScriptedSender(), "ops"):
        await until(store, all_are(DeliveryStatus.DELIVERED))


async def test_the_claims_of_one_of_several_services_end_in_time(store: Store) -> None:
    await claim_and_die(store)
    sender, clock = ScriptedSender(), Clock()

    async with notifying(store, sender, "ops", clock=clock, shares_outbox=True):
        await add(store, "ops", key="2")
        await until(store, lambda found: found[1].status is DeliveryStatus.DELIVERED)
        clock.advance(timedelta(minutes=3))
        await until(store, all_are(DeliveryStatus.DELIVERED))

    assert len(sender.sent) == 2


async def test_two_services_share_the_work(store: Store) -> None:
    one, two = ScriptedSender(), ScriptedSender()
    for key in range(50):
        await add(store, "ops", key=str(key))

    async with (
        notifying(store, one, "ops", owner="one", shares_outbox=True),
        notifying(store, two, "ops", owner="two", shares_outbox=True),
    ):
        await until(store, all_are(DeliveryStatus.DELIVERED))

    sent = [decode_cloud_event(payload).id for _, payload in (*one.sent, *two.sent)]
    assert len(sent) == len(set(sent)) == 50
