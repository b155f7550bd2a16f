"""Queued runs: their order, and what promotes them."""

from dataclasses import replace

import pytest

from solorun.errors import QueueFull
from solorun.project import DEFAULT_QUEUE_MAX
from solorun.queueing import ConflictPolicy
from solorun.run import Cancel
from solorun.status import Status, StepStatus, UpdateResult
from solorun.store import Store
from tests.contracts.builders import OWNER, batch_of, end, ending, insert, later, new_run, queued, start, status_of


async def test_a_start_that_may_wait_is_pending_when_all_is_free(store: Store) -> None:
    assert (await insert(store, queued())).status is Status.PENDING


async def test_a_start_that_may_wait_is_queued_behind_an_active_run(store: Store) -> None:
    await start(store)

    run = await insert(store, replace(queued(), queue_deadline=later(600)))

    assert run.status is Status.QUEUED
    assert run == await store.get_run(run.id)
    assert (run.queue_deadline, run.replaces, run.slots) == (later(600), None, {})
    assert [step.status for step in run.steps] == [StepStatus.PENDING, StepStatus.PENDING]


@pytest.mark.parametrize("ends_with", [Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.INTERRUPTED])
async def test_the_end_of_a_run_promotes_the_first_in_the_queue_in_the_same_transaction(
    store: Store, ends_with: Status
) -> None:
    active = await start(store)
    first, second = await insert(store, queued()), await insert(store, queued())

    await end(store, active, ends_with)

    assert await status_of(store, first, second) == [Status.PENDING, Status.QUEUED]
    assert [run.id for run in await store.claim_runs(owner=OWNER)] == [first.id]
    assert await store.claim_runs(owner=OWNER) == []


async def test_a_run_without_a_task_that_is_ended_promotes_the_next(store: Store) -> None:
    active = await start(store)
    waiting = await insert(store, queued())

    await store.finalize_run(active.id, owner=None, ending=ending(Status.INTERRUPTED))

    assert await status_of(store, waiting) == [Status.PENDING]


async def test_a_promoted_run_is_no_orphan_and_belongs_to_its_first_claimant(store: Store) -> None:
    active = await start(store)
    waiting = await insert(store, queued())
    await end(store, active)

    assert await store.list_orphaned_runs("a-later-service") == []
    (claimed,) = await store.claim_runs(owner="a-later-service")

    assert claimed.id == waiting.id
    assert await store.commit([batch_of(claimed, end=ending())], owner=OWNER) == [UpdateResult.NOT_IN_EXPECTED_STATUS]
    assert [run.id for run in await store.list_orphaned_runs(OWNER)] == [waiting.id]


async def test_a_claimed_run_that_is_returned_can_be_claimed_by_another(store: Store) -> None:
    active = await start(store)
    waiting = await insert(store, queued())
    await end(store, active)
    await store.claim_runs(owner=OWNER)

    await store.return_run(waiting.id, owner="another-service")
    assert await store.claim_runs(owner="another-service") == []
    await store.return_run(waiting.id, owner=OWNER)

    assert [run.id for run in await store.claim_runs(owner="another-service")] == [waiting.id]


async def test_other_projects_are_not_affected_by_a_queue(store: Store) -> None:
    await start(store)
    await insert(store, queued())

    assert (await insert(store, new_run("dictionary"))).status is Status.PENDING


async def test_a_queue_has_a_maximum(store: Store) -> None:
    await start(store)
    await insert(store, replace(queued(), queue_max=1))

    with pytest.raises(QueueFull, match="The queue of handbook is full: it may hold 1"):
        await insert(store, replace(queued(), queue_max=1))

    assert (await insert(store, replace(queued(), queue_max=DEFAULT_QUEUE_MAX))).status is Status.QUEUED


async def test_a_queued_run_is_cancelled_immediately_with_its_steps(store: Store) -> None:
    active = await start(store)
    first, second = await insert(store, queued()), await insert(store, queued())

    result, run = await store.request_cancel(first.id, Cancel(later(5), "anna", "not today"))

    assert (result, run.status, run.finished_at) == (UpdateResult.UPDATED, Status.CANCELLED, later(5))
    assert (run.cancel_requested_by, run.cancel_reason) == ("anna", "not today")
    assert run.cancel == Cancel(later(5), "anna", "not today", settled_at=later(5))
    assert {step.status for step in run.steps} == {StepStatus.SKIPPED}
    again, _ = await store.request_cancel(first.id, Cancel(later(6), "bob"))
    assert again is UpdateResult.NOT_IN_EXPECTED_STATUS
    await end(store, active)
    assert await status_of(store, first, second) == [Status.CANCELLED, Status.PENDING]


async def test_queued_runs_are_listed_in_the_order_in_which_they_begin(store: Store) -> None:
    await start(store)
    first, second = await insert(store, queued()), await insert(store, queued())
    head = await insert(store, queued(policy=ConflictPolicy.REPLACE))

    assert [run.id for run in await store.list_queued_runs()] == [head.id, first.id, second.id]


# -- replace


async def test_a_replacement_requests_the_cancel_of_the_active_run_and_goes_first(store: Store) -> None:
    active = await start(store)
    waiting = await insert(store, queued())

    head = await insert(store, replace(queued(policy=ConflictPolicy.REPLACE), triggered_by="anna"))

    assert (head.status, head.replaces) == (Status.QUEUED, active.id)
    cancelled = await store.get_run(active.id)
    assert (cancelled.cancel_requested_by, cancelled.cancel_reason) == ("anna", f"replaced by run {head.id}")
    assert cancelled.status is Status.RUNNING
    await end(store, active, Status.CANCELLED)
    assert await status_of(store, head, waiting) == [Status.PENDING, Status.QUEUED]


async def test_a_second_replacement_replaces_the_first_one(store: Store) -> None:
    active = await start(store)
    first = await insert(store, queued(policy=ConflictPolicy.REPLACE))

    second = await insert(store, queued(policy=ConflictPolicy.REPLACE))

    assert await status_of(store, first, second) == [Status.CANCELLED, Status.QUEUED]
    await end(store, active, Status.CANCELLED)
    assert await status_of(store, second) == [Status.PENDING]


async def test_a_refused_start_requests_no_cancel(store: Store) -> None:
    active = await start(store)

    with pytest.raises(QueueFull):
        await insert(store, replace(queued(policy=ConflictPolicy.REPLACE), queue_max=0))

    assert (await store.get_run(active.id)).cancel_requested_at is None


@pytest.mark.parametrize("declared", [{"gpu": 1}, {"gpu": 1, "disk": 1}])
async def test_a_run_that_needs_more_slots_than_are_declared_delays_no_other_run(
    store: Store, declared: dict[str, int]
) -> None:
    await store.declare_resources({"gpu": 2, "disk": 2})
    holder = await insert(store, queued("a", gpu=2))
    waiting = await insert(store, queued("b", gpu=1, disk=2))
    await store.declare_resources(declared)
    await store.finalize_run(holder.id, owner=None, ending=ending(Status.FAILED))

    other = await insert(store, queued("c", gpu=1))

    assert await status_of(store, waiting, other) == [Status.QUEUED, Status.PENDING]
    await store.finalize_run(other.id, owner=None, ending=ending(Status.FAILED))
    await store.declare_resources({"gpu": 1, "disk": 2})
    assert await status_of(store, waiting) == [Status.PENDING]
