"""The slots that steps take for themselves: all or none, in turn with queued runs, and released with the run."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from solorun.errors import StoreFailure
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.status import Status
from solorun.store import Store
from tests.contracts.builders import OWNER, beginning, end, later, new_run


async def start(store: Store, project: str, **needs: int) -> Run:
    """A running run whose step `review` requires resources."""
    new = replace(new_run(project), step_resources={"review": MappingProxyType(needs)})
    run = await store.insert_run(new, owner=OWNER)
    await store.commit([beginning(run, at=1)], owner=OWNER)
    return await store.get_run(run.id)


async def take(store: Store, run: Run) -> object:
    return await store.take_step_slots(run.id, "review", owner=OWNER)


async def test_a_step_without_requirements_takes_nothing(store: Store) -> None:
    run = await start(store, "a")

    assert await take(store, run) == {}


async def test_a_step_takes_its_slots_and_keeps_them_when_it_asks_again(store: Store) -> None:
    await store.declare_resources({"gpu": 3})
    run = await start(store, "a", gpu=2)

    assert [await take(store, run), await take(store, run)] == [{"gpu": [0, 1]}] * 2
    assert [(hold.run_id, hold.step) for hold in await store.list_holds()] == [(run.id, "review")] * 2
    assert (await store.get_run(run.id)).steps[1].slots == {"gpu": [0, 1]}


async def test_a_step_waits_and_receives_what_another_step_releases(store: Store) -> None:
    await store.declare_resources({"gpu": 1})
    first, second = await start(store, "a", gpu=1), await start(store, "b", gpu=1)
    await take(store, first)

    assert await take(store, second) is None
    await store.release_step_slots(first.id, "review")

    assert [hold.run_id for hold in await store.list_holds()] == [second.id]
    assert await take(store, second) == {"gpu": [0]}


async def test_the_end_of_a_run_releases_the_slots_of_its_steps_and_ends_their_waits(store: Store) -> None:
    await store.declare_resources({"gpu": 1})
    first, second, third = [await start(store, project, gpu=1) for project in "abc"]
    for run in (first, second, third):
        await take(store, run)

    await end(store, second, Status.CANCELLED)
    await end(store, first)

    assert [hold.run_id for hold in await store.list_holds()] == [third.id]


async def test_a_waiting_step_takes_all_its_resources_or_none(store: Store) -> None:
    await store.declare_resources({"gpu": 1, "disk": 1})
    first, second = await start(store, "a", gpu=1), await start(store, "b", gpu=1, disk=1)
    await take(store, first)

    assert await take(store, second) is None
    assert [hold.resource for hold in await store.list_holds()] == ["gpu"]


async def test_a_step_and_a_queued_run_take_turns_by_the_ids_of_their_runs(store: Store) -> None:
    await store.declare_resources({"gpu": 1})
    holder, waiting = await start(store, "a", gpu=1), await start(store, "b", gpu=1)
    await take(store, holder)
    queued = await store.insert_run(
        replace(new_run("c"), resources={"gpu": 1}, on_conflict=ConflictPolicy.QUEUE, created_at=later(5)), owner=OWNER
    )
    await take(store, waiting)

    await store.release_step_slots(holder.id, "review")

    assert (await store.get_run(queued.id)).status is Status.QUEUED
    await store.release_step_slots(waiting.id, "review")
    assert (await store.get_run(queued.id)).slots == {"gpu": [0]}


async def test_a_run_that_is_not_ours_or_has_ended_takes_nothing(store: Store) -> None:
    await store.declare_resources({"gpu": 1})
    run = await start(store, "a", gpu=1)

    with pytest.raises(StoreFailure):
        await store.take_step_slots(run.id, "review", owner="another-service")
    await end(store, run)
    with pytest.raises(StoreFailure):
        await take(store, run)

    assert await store.list_holds() == []
