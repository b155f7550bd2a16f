"""Queued runs: their order, what promotes them, and the slots of resources that runs hold."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from solorun.errors import QueueFull, ResourceBusy
from solorun.project import DEFAULT_QUEUE_MAX
from solorun.queueing import ConflictPolicy
from solorun.run import Cancel, Run
from solorun.status import ACTIVE, Status, StepStatus, UpdateResult
from solorun.store import NewRun, Store
from tests.contracts.builders import OWNER, batch_of, beginning, end, ending, later, new_run, start


def queued(project: str = "handbook", *, policy: ConflictPolicy = ConflictPolicy.QUEUE, **needs: int) -> NewRun:
    return replace(new_run(project), on_conflict=policy, resources=MappingProxyType(needs))


async def insert(store: Store, new: NewRun) -> Run:
    return await store.insert_run(new, owner=OWNER)


async def status_of(store: Store, *runs: Run) -> list[Status]:
    return [(await store.get_run(run.id)).status for run in runs]


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
    assert [run.id for run in await store.claim_promoted_runs(owner=OWNER)] == [first.id]
    assert await store.claim_promoted_runs(owner=OWNER) == []


async def test_a_run_without_a_task_that_is_ended_promotes_the_next(store: Store) -> None:
    active = await start(store)
    waiting = await insert(store, queued())

    await store.finalize_run(active.id, owner=None, expected=ACTIVE, ending=ending(Status.INTERRUPTED))

    assert await status_of(store, waiting) == [Status.PENDING]


async def test_a_promoted_run_is_no_orphan_and_belongs_to_its_first_claimant(store: Store) -> None:
    active = await start(store)
    waiting = await insert(store, queued())
    await end(store, active)

    assert await store.list_orphaned_runs("a-later-service") == []
    (claimed,) = await store.claim_promoted_runs(owner="a-later-service")

    assert claimed.id == waiting.id
    assert await store.commit([batch_of(claimed, end=ending())], owner=OWNER) == [UpdateResult.NOT_IN_EXPECTED_STATUS]
    assert [run.id for run in await store.list_orphaned_runs(OWNER)] == [waiting.id]


async def test_a_claimed_run_that_is_returned_can_be_claimed_by_another(store: Store) -> None:
    active = await start(store)
    waiting = await insert(store, queued())
    await end(store, active)
    await store.claim_promoted_runs(owner=OWNER)

    await store.return_run(waiting.id, owner="another-service")
    assert await store.claim_promoted_runs(owner="another-service") == []
    await store.return_run(waiting.id, owner=OWNER)

    assert [run.id for run in await store.claim_promoted_runs(owner="another-service")] == [waiting.id]


async def test_a_run_that_waits_for_a_resource_is_not_overtaken_by_its_own_project(store: Store) -> None:
    await declare(store, gpu=1)
    holder = await insert(store, queued("images", gpu=1))
    waiting = await insert(store, queued(gpu=1))

    with pytest.raises(ResourceBusy):
        await insert(store, new_run())

    await finish(store, holder)
    assert await status_of(store, waiting) == [Status.PENDING]


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

    result, run = await store.request_cancel(first.id, requested_by="anna", reason="not today", at=later(5))

    assert (result, run.status, run.finished_at) == (UpdateResult.UPDATED, Status.CANCELLED, later(5))
    assert (run.cancel_requested_by, run.cancel_reason) == ("anna", "not today")
    assert run.cancel == Cancel(later(5), "anna", "not today", settled_at=later(5))
    assert {step.status for step in run.steps} == {StepStatus.SKIPPED}
    again, _ = await store.request_cancel(first.id, requested_by="bob", reason="", at=later(6))
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


# -- resources


async def test_a_run_holds_the_lowest_free_slots_until_its_end(store: Store) -> None:
    await declare(store, gpu=3)

    first = await insert(store, queued("a", gpu=1))
    second = await insert(store, queued("b", gpu=2))

    assert (first.slots, second.slots) == ({"gpu": [0]}, {"gpu": [1, 2]})
    assert [(hold.resource, hold.slot, hold.project) for hold in await store.list_holds()] == [
        ("gpu", 0, "a"),
        ("gpu", 1, "b"),
        ("gpu", 2, "b"),
    ]
    await finish(store, second)
    assert [hold.slot for hold in await store.list_holds()] == [0]
    assert (await store.get_run(second.id)).slots == {"gpu": [1, 2]}


async def test_a_refused_start_names_the_holder_of_the_resource(store: Store) -> None:
    await declare(store, gpu=1)
    holder = await insert(store, queued("images", gpu=1))

    with pytest.raises(ResourceBusy, match=f"gpu is held by run {holder.id} of images") as refusal:
        await insert(store, replace(new_run(), resources={"gpu": 1}))

    assert [hold.run_id for hold in refusal.value.holders] == [holder.id]
    assert [run.id for run in await store.list_runs()] == [holder.id]


async def test_a_run_takes_all_its_resources_or_none(store: Store) -> None:
    await declare(store, gpu=1, disk=1)
    holder = await insert(store, queued("images", gpu=1))

    waiting = await insert(store, queued("both", gpu=1, disk=1))

    assert waiting.status is Status.QUEUED
    assert [hold.resource for hold in await store.list_holds()] == ["gpu"]
    await finish(store, holder)
    assert (await store.get_run(waiting.id)).slots == {"gpu": [0], "disk": [0]}


async def test_runs_of_several_projects_take_turns_on_one_slot(store: Store) -> None:
    await declare(store, gpu=1)
    runs = [await insert(store, queued(project, gpu=1)) for project in ("a", "b", "c")]

    for index, run in enumerate(runs):
        expected = [Status.COMPLETED] * index + [Status.PENDING] + [Status.QUEUED] * (2 - index)
        assert await status_of(store, *runs) == expected
        assert (await store.get_run(run.id)).slots == {"gpu": [0]}
        await finish(store, run)


async def test_a_run_that_needs_two_slots_is_not_overtaken_by_those_that_need_one(store: Store) -> None:
    await declare(store, gpu=2)
    holder = await insert(store, queued("a", gpu=1))
    large = await insert(store, queued("b", gpu=2))

    small = await insert(store, queued("c", gpu=1))

    assert await status_of(store, large, small) == [Status.QUEUED, Status.QUEUED]
    await finish(store, holder)
    assert await status_of(store, large, small) == [Status.PENDING, Status.QUEUED]


async def test_a_run_that_waits_for_its_project_keeps_no_resource_from_others(store: Store) -> None:
    await declare(store, gpu=1)
    await start(store, "a")
    await insert(store, queued("a", gpu=1))

    assert (await insert(store, queued("b", gpu=1))).status is Status.PENDING


async def test_a_cancelled_waiter_lets_those_behind_it_begin(store: Store) -> None:
    await declare(store, gpu=2)
    await insert(store, queued("a", gpu=1))
    large = await insert(store, queued("b", gpu=2))
    small = await insert(store, queued("c", gpu=1))

    await store.request_cancel(large.id, requested_by="anna", reason="", at=later(1))

    assert await status_of(store, small) == [Status.PENDING]


async def test_more_slots_promote_those_that_wait_for_them(store: Store) -> None:
    await declare(store, gpu=1)
    await insert(store, queued("a", gpu=1))
    waiting = await insert(store, queued("b", gpu=1))

    await declare(store, gpu=2)

    assert (await store.get_run(waiting.id)).slots == {"gpu": [1]}


async def test_fewer_slots_take_none_from_those_that_hold_them(store: Store) -> None:
    await declare(store, gpu=2)
    first, second = await insert(store, queued("a", gpu=1)), await insert(store, queued("b", gpu=1))
    waiting = await insert(store, queued("c", gpu=1))

    await declare(store, gpu=1)
    await finish(store, second)

    assert await status_of(store, waiting) == [Status.QUEUED]
    await finish(store, first)
    assert (await store.get_run(waiting.id)).slots == {"gpu": [0]}


async def test_a_run_that_needs_an_undeclared_resource_waits(store: Store) -> None:
    assert (await insert(store, queued(gpu=1))).status is Status.QUEUED


async def declare(store: Store, **slots: int) -> None:
    await store.declare_resources(slots)


async def finish(store: Store, run: Run) -> None:
    """Execute a pending run to its end."""
    await store.claim_promoted_runs(owner=OWNER)
    run = await store.get_run(run.id)
    assert await store.commit([beginning(run, at=1)], owner=OWNER) == [UpdateResult.UPDATED]
    await end(store, await store.get_run(run.id))
