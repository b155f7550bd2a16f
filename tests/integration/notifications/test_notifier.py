"""The notifier on a real outbox, with a scripted sender."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from solorun.component import running
from solorun.errors import StoreUnavailable
from solorun.notification import Delivery, DeliveryStatus, NewNotification, NotifyEvent, NotifyTarget, TargetKind
from solorun.notifications import Composer, Notifier, NotifierLimits
from solorun.notifications.cloud_event import decode_cloud_event
from solorun.notifications.not_delivered import NotDelivered
from solorun.outbox import ClaimedDelivery, DeliveryFilter
from solorun.record import Level
from solorun.run import RunStep
from solorun.status import Status, StepStatus
from solorun.store import Store
from solorun.stores.sqlite import SqliteRunStore
from tests.contracts.builders import batch_of, ending, records, start
from tests.fakes.stores import FaultyStore

NOW: Final = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
LIMITS: Final = NotifierLimits(poll_seconds=0.01)


@dataclass
class ScriptedSender:
    """Fails with the next of `failures` of a target, and otherwise accepts. `held` targets wait for their event."""

    failures: dict[str, list[Exception]] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    begun: dict[str, int] = field(default_factory=dict)

    async def send(self, target: NotifyTarget, _claimed: ClaimedDelivery, payload: bytes) -> None:
        self.begun[target.name] = self.begun.get(target.name, 0) + 1
        if target.name in self.held:
            await self.held[target.name].wait()
        if self.failures.get(target.name):
            raise self.failures[target.name].pop(0)
        self.sent.append((target.name, payload))


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, duration: timedelta) -> None:
        self.now += duration


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await SqliteRunStore.open(tmp_path)
    yield store
    await store.close()


def target(name: str) -> NotifyTarget:
    return NotifyTarget(name, TargetKind.WEBHOOK, "https://example.org", secret="$S")


def targets(*names: str) -> Mapping[str, NotifyTarget]:
    return {name: target(name) for name in names}


@asynccontextmanager
async def notifying(
    store: Store,
    sender: ScriptedSender,
    *names: str,
    clock: Clock | None = None,
    owner: str = "this",
    shares_outbox: bool = False,
) -> AsyncIterator[Notifier]:
    notifier = Notifier(
        outbox=store,
        composer=Composer(store=store, public_url="https://runs.example"),
        sender=sender,
        targets=lambda: targets(*names),
        environ={},
        owner=owner,
        shares_outbox=shares_outbox,
        now=clock or Clock(),
        limits=LIMITS,
    )
    async with running(notifier):
        yield notifier


async def add(store: Store, *names: str, key: str = "1") -> list[Delivery]:
    return await store.add_notification(NewNotification(NotifyEvent.LATE, "etl", key, NOW, "not done by 07:00"), names)


async def until(store: Store, holds: Callable[[list[Delivery]], bool]) -> list[Delivery]:
    """Wait until the deliveries are as expected. Returns them, oldest first."""
    async with asyncio.timeout(60):
        while not holds(found := (await store.list_deliveries(DeliveryFilter()))[::-1]):
            await asyncio.sleep(0.005)
    return found


async def until_counted(notifier: Notifier, **outcomes: int) -> None:
    """Wait until the attempts to reach ops had these outcomes. They are counted after they are recorded."""
    async with asyncio.timeout(60):
        while notifier.counts != {("ops", outcome): count for outcome, count in outcomes.items()}:
            await asyncio.sleep(0.005)


def all_are(status: DeliveryStatus) -> Callable[[list[Delivery]], bool]:
    return lambda found: all(delivery.status is status for delivery in found)


def tried(count: int) -> Callable[[list[Delivery]], bool]:
    return lambda found: found[0].attempt_count == count


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
    assert sender.begun == {"dead": LIMITS.lane_size, "ops": 20}


async def test_what_was_being_sent_at_a_stop_is_sent_by_the_next_service(store: Store) -> None:
    held = ScriptedSender(held={"ops": asyncio.Event()})
    await add(store, "ops")
    async with notifying(store, held, "ops"), asyncio.timeout(60):
        while not held.begun:
            await asyncio.sleep(0.005)

    sender = ScriptedSender()
    async with notifying(store, sender, "ops", owner="next", shares_outbox=True):
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


async def test_a_target_that_is_not_declared_is_left_and_given_up_later(store: Store) -> None:
    sender, clock = ScriptedSender(), Clock()
    await add(store, "gone", "ops")
    async with notifying(store, sender, "ops", clock=clock):
        await until(store, lambda found: found[1].status is DeliveryStatus.DELIVERED)
    clock.advance(timedelta(days=3))

    async with notifying(store, sender, "ops", clock=clock):
        (gone, _) = await until(store, lambda found: found[0].status is DeliveryStatus.GIVEN_UP)

    assert gone.attempts[-1].error == "no target gone is declared"
    assert sender.begun == {"ops": 1}


async def test_a_failed_run_is_described_with_its_last_errors(store: Store) -> None:
    run = await start(store)
    failed = RunStep("extract", StepStatus.FAILED, first_seq=1, last_seq=5)
    lines = [*records(1, 2), *records(3, 5, level=Level.ERROR)]
    end = ending(Status.FAILED, "extract: exit code 1")
    await store.commit([batch_of(run, lines, steps=[failed], end=end)], owner="this-service")
    sender = ScriptedSender()
    news = NewNotification(NotifyEvent.FAILED, run.project, "1", NOW, run_id=run.id)
    await store.add_notification(news, ["ops"])

    async with notifying(store, sender, "ops"):
        await until(store, all_are(DeliveryStatus.DELIVERED))

    data = decode_cloud_event(sender.sent[0][1]).data
    assert data.title == "handbook failed: extract: exit code 1"
    assert data.error_lines == tuple(f"line {seq} of the story" for seq in (3, 4, 5))
    assert data.url == f"https://runs.example/runs/{run.id}"
    assert data.run is not None
    assert data.run.status is Status.FAILED


async def test_a_recovery_names_the_run_before(store: Store) -> None:
    broken = await start(store)
    message = "extract: exit code 1"
    await store.commit([batch_of(broken, end=ending(Status.FAILED, message))], owner="this-service")
    run = await start(store)
    await store.commit([batch_of(run, end=ending())], owner="this-service")
    sender = ScriptedSender()
    news = NewNotification(NotifyEvent.RECOVERED, run.project, "1", NOW, run_id=run.id)
    await store.add_notification(news, ["ops"])

    async with notifying(store, sender, "ops"):
        await until(store, all_are(DeliveryStatus.DELIVERED))

    text = decode_cloud_event(sender.sent[0][1]).data.text
    assert f"Run {broken.id} before it failed: {message}" in text


async def test_a_run_that_was_deleted_is_still_named(store: Store) -> None:
    sender = ScriptedSender()
    await store.add_notification(NewNotification(NotifyEvent.FAILED, "etl", "1", NOW, run_id=77), ["ops"])

    async with notifying(store, sender, "ops"):
        await until(store, all_are(DeliveryStatus.DELIVERED))

    assert "Run 77 of etl failed." in decode_cloud_event(sender.sent[0][1]).data.text


async def test_the_notifier_survives_a_database_that_fails(store: Store) -> None:
    faults = FaultyStore(store)
    sender = ScriptedSender()
    await add(store, "ops")
    for method in ("release_deliveries", "list_due_targets", "claim_deliveries"):
        faults.fail(method, StoreUnavailable())

    async with notifying(faults.as_store(), sender, "ops"):
        await until(store, all_are(DeliveryStatus.DELIVERED))


async def test_an_attempt_that_breaks_is_recorded_as_failed(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    sender = ScriptedSender({"ops": [RuntimeError("hunter2")]})
    await add(store, "ops")

    async with notifying(store, sender, "ops"):
        (delivery,) = await until(store, tried(1))

    assert delivery.attempts[0].error == "internal error: RuntimeError"
    assert "Internal error while sending delivery 1" in caplog.text


async def test_a_run_that_cannot_be_read_is_tried_again(store: Store) -> None:
    faults = FaultyStore(store)
    faults.fail("get_run", StoreUnavailable())
    clock = Clock()
    await store.add_notification(NewNotification(NotifyEvent.FAILED, "etl", "1", NOW, run_id=77), ["ops"])

    async with notifying(faults.as_store(), ScriptedSender(), "ops", clock=clock):
        (failed,) = await until(store, tried(1))
        clock.advance(timedelta(seconds=10))
        await until(store, all_are(DeliveryStatus.DELIVERED))

    assert str(failed.attempts[0].error).startswith("the run could not be read")


async def test_an_attempt_that_was_not_recorded_is_repeated(store: Store) -> None:
    faults = FaultyStore(store)
    faults.fail("record_attempt", StoreUnavailable())
    sender, clock = ScriptedSender(), Clock()
    await add(store, "ops")

    async with notifying(faults.as_store(), sender, "ops", clock=clock):
        async with asyncio.timeout(60):
            while not sender.sent:
                await asyncio.sleep(0.005)
        clock.advance(timedelta(minutes=3))
        await until(store, all_are(DeliveryStatus.DELIVERED))

    assert len(sender.sent) == 2


async def test_a_notifier_that_never_started_can_be_stopped(store: Store) -> None:
    notifier = Notifier(
        outbox=store,
        composer=Composer(store=store, public_url=None),
        sender=ScriptedSender(),
        targets=dict,
        environ={},
        owner="this",
        shares_outbox=False,
        now=Clock(),
    )

    await notifier.stop()
