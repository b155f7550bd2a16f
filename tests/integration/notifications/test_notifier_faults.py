"""Messages of the notifier, and what it does when a target, a run or the database is missing."""

import asyncio
from datetime import timedelta

import pytest

from solorun.errors import StoreUnavailable
from solorun.notification import DeliveryStatus, NewNotification, NotifyEvent
from solorun.notifications import Composer, Notifier
from solorun.notifications.cloud_event import decode_cloud_event
from solorun.record import Level
from solorun.run import RunStep
from solorun.status import Status, StepStatus
from solorun.store import Store
from solorun.tracing import Untraced
from tests.contracts.builders import batch_of, ending, records, start
from tests.fakes.stores import FaultyStore
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


@pytest.mark.parametrize(("shares_outbox", "released"), [(False, [None]), (True, ["this"])])
async def test_only_the_claims_of_a_shared_outbox_are_released_at_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch, shares_outbox: bool, released: list[str | None]
) -> None:
    owners: list[str | None] = []
    release = store.release_deliveries

    async def note(owner: str | None) -> None:
        owners.append(owner)
        await release(owner)

    monkeypatch.setattr(store, "release_deliveries", note)
    await add(store, "ops")

    async with notifying(store, ScriptedSender(), "ops", shares_outbox=shares_outbox):
        await until(store, lambda found: found[0].status is DeliveryStatus.DELIVERED)

    assert owners == released


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
    faults.fail("find_runs", StoreUnavailable())
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


async def test_without_targets_the_outbox_is_checked_rarely_or_when_woken(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = 0
    check = Notifier._open_lanes

    async def counted(notifier: Notifier) -> None:
        nonlocal checks
        checks += 1
        await check(notifier)

    async def wait_for_checks(count: int) -> None:
        async with asyncio.timeout(60):
            while checks < count:
                await asyncio.sleep(0.005)

    monkeypatch.setattr(Notifier, "_open_lanes", counted)
    async with notifying(store, ScriptedSender(), idle_poll_seconds=3600) as notifier:
        await wait_for_checks(1)
        await asyncio.sleep(0.2)  # twenty checks with targets
        assert checks == 1
        notifier.wake()
        await wait_for_checks(2)


async def test_a_notifier_that_never_started_can_be_stopped(store: Store) -> None:
    notifier = Notifier(
        outbox=store,
        composer=Composer(store=store, public_url=None),
        send=ScriptedSender().send,
        targets=dict,
        environ={},
        owner="this",
        shares_outbox=False,
        now=Clock(),
        observe=Untraced().observe_delivery,
    )

    await notifier.stop()
