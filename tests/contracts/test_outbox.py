"""Deliveries: written with the end of a run, claimed by one process at a time, tried for a day."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from solorun.notification import NewNotification, NotifyEvent
from solorun.queueing import ConflictPolicy
from solorun.run import Cancel, Run
from solorun.status import Status
from solorun.store import DeliveryFilter, Store
from tests.contracts.builders import NOW, OWNER, batch_of, end, ending, new_run
from tests.contracts.outbox_builders import announced, begin, run_to


async def events_of(store: Store, run: Run) -> list[tuple[str, NotifyEvent]]:
    found = await store.list_deliveries(DeliveryFilter(run_id=run.id))
    return [(delivery.target, delivery.event) for delivery in reversed(found)]


async def test_a_delivery_has_the_trace_of_the_run_that_has_ended(store: Store) -> None:
    untraced = await run_to(store, Status.FAILED)
    traced = await begin(store, announced())
    await store.commit([batch_of(traced, end=replace(ending(Status.FAILED), traceparent="00-ab-cd-01"))], owner=OWNER)

    claimed = await store.claim_deliveries("ops", owner="this", at=NOW, until=NOW, limit=10)

    assert {each.delivery.run_id: each.traceparent for each in claimed} == {traced.id: "00-ab-cd-01", untraced.id: None}


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
        await store.finalize_run(run.id, owner=None, ending=ending(Status.INTERRUPTED))
    return run


async def cancel_queued(store: Store) -> Run:
    await begin(store, new_run())
    run = await store.insert_run(announced(ConflictPolicy.QUEUE), owner=OWNER)
    for _ in range(2):
        await store.request_cancel(run.id, Cancel(NOW, "api"))
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
    (run,) = await store.claim_runs(owner=OWNER)
    await store.finalize_run(run.id, owner=OWNER, ending=ending(Status.CANCELLED))
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


async def test_news_with_the_same_key_is_added_once(store: Store) -> None:
    late = NewNotification(NotifyEvent.LATE, "etl", "nightly-20260301", NOW, "not completed by 07:00")

    first = await store.add_notification(late, ["ops", "crm"])
    second = await store.add_notification(late, ["ops", "crm"])

    assert [(delivery.target, delivery.detail) for delivery in first] == [("ops", late.detail), ("crm", late.detail)]
    assert second == []
