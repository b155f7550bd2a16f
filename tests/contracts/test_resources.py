"""The slots of resources that runs hold, and the order of the runs that wait for them."""

from dataclasses import replace

import pytest

from solorun.errors import ResourceBusy
from solorun.run import Cancel, Run
from solorun.status import Status, UpdateResult
from solorun.store import Store
from tests.contracts.builders import OWNER, beginning, end, insert, later, new_run, queued, start, status_of


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

    await store.request_cancel(large.id, Cancel(later(1), "anna"))

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


async def test_a_run_that_waits_for_a_resource_is_not_overtaken_by_its_own_project(store: Store) -> None:
    await declare(store, gpu=1)
    holder = await insert(store, queued("images", gpu=1))
    waiting = await insert(store, queued(gpu=1))

    with pytest.raises(ResourceBusy):
        await insert(store, new_run())

    await finish(store, holder)
    assert await status_of(store, waiting) == [Status.PENDING]


async def test_the_last_declaration_replaces_the_resources(store: Store) -> None:
    assert await store.list_resources() == {}
    await declare(store, gpu=2, disk=1)
    assert await store.list_resources() == {"gpu": 2, "disk": 1}
    await declare(store, gpu=1)
    assert await store.list_resources() == {"gpu": 1}


async def declare(store: Store, **slots: int) -> None:
    await store.declare_resources(slots)


async def finish(store: Store, run: Run) -> None:
    """Execute a pending run to its end."""
    await store.claim_runs(owner=OWNER)
    run = await store.get_run(run.id)
    assert await store.commit([beginning(run, at=1)], owner=OWNER) == [UpdateResult.UPDATED]
    await end(store, await store.get_run(run.id))
