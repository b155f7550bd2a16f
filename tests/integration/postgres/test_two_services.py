"""Starts through two services that share a database."""

import asyncio
from dataclasses import replace

import pytest

from solorun.errors import RunActive, StoreUnavailable
from solorun.idempotency_key import IdempotencyKey
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.runs import Mirror, submit_once
from solorun.status import Status
from solorun.store import NewRun
from tests.contracts.builders import NOW, new_run
from tests.fakes.engine import Engine

QUEUE = ConflictPolicy.QUEUE
KEY = IdempotencyKey("7d0f2a5e", b"{}")


async def test_a_refused_start_forgets_no_key_of_another_services_run(engines: tuple[Engine, Engine]) -> None:
    here, there = engines
    run = await submit_once(there.manager, "handbook", KEY, there.manager.submit_run("handbook", key=KEY))
    with pytest.raises(RunActive):
        await here.manager.start_run("handbook")
    (await there.executor.step("extract")).end()
    await there.end_of(run.run.id)

    again = await submit_once(here.manager, "handbook", KEY, here.manager.submit_run("handbook", key=KEY))

    assert (again.run.id, again.replayed) == (run.run.id, True)


async def test_another_process_s_run_refuses_a_start_with_a_single_call_of_the_store(
    engines: tuple[Engine, Engine],
) -> None:
    here, there = engines
    run = await there.manager.start_run("handbook")
    before = len(here.faults.calls)

    with pytest.raises(RunActive) as refusal:
        await here.manager.start_run("handbook")

    assert refusal.value.active_run.id == run.id
    assert here.faults.calls[before:] == ["insert_run"]


async def test_a_start_that_was_not_confirmed_ends_no_run_that_another_service_queued(
    engines: tuple[Engine, Engine],
) -> None:
    here, there = engines
    await there.manager.start_run("handbook")
    queued = await there.manager.start_run("handbook", on_conflict=QUEUE)
    here.faults.fail("insert_run", StoreUnavailable())

    with pytest.raises(StoreUnavailable):
        await here.manager.start_run("handbook", on_conflict=QUEUE)
    await here.manager.reaper.wait_until_done()

    assert (await there.store.get_run(queued.id)).status is Status.QUEUED


async def test_a_refused_start_ends_no_run_that_another_service_is_leaving_to_a_worker(
    engines: tuple[Engine, Engine],
) -> None:
    here, there = engines
    run = await there.store.insert_run(replace(new_run(), labels=("gpu",), is_for_worker=True), owner="there")
    inserting = here.faults.hold_after("insert_run")

    refused = asyncio.create_task(here.manager.start_run("handbook"))
    await inserting.reached.wait()
    await there.store.return_run(run.id, owner="there")
    inserting.open()

    with pytest.raises(RunActive):
        await refused
    assert (await there.store.get_run(run.id)).status is Status.PENDING


async def test_a_claim_whose_answer_was_lost_is_given_back_and_made_again(engines: tuple[Engine, Engine]) -> None:
    here, there = engines
    here.manager.dispatcher.shares_database = True
    new = NewRun("handbook", "full", "api", {}, NOW, ("extract",), is_for_worker=True)
    run = await there.store.insert_run(new, owner="there")
    await there.store.return_run(run.id, owner="there")
    here.faults.fail_after("claim_runs", StoreUnavailable())

    here.registry.notify_released()
    (await here.executor.step("extract")).end()

    assert (await here.end_of(run.id)).status is Status.COMPLETED


async def test_each_service_shows_the_places_of_all_queued_runs(engines: tuple[Engine, Engine], mirror: Mirror) -> None:
    here, there = engines
    await there.manager.start_run("handbook")
    queued = [
        (await engine.manager.start_run("handbook", on_conflict=QUEUE)).id for engine in (there, here, there, here)
    ]
    await mirror.refresh()
    before = here.manager.list_queued_runs()
    await there.manager.cancel_run(queued[0])
    await mirror.refresh()

    assert [(run.id, run.queue_position) for run in before] == list(zip(queued, (1, 2, 3, 4), strict=True))
    assert [run.id for run in here.manager.list_queued_runs()] == queued[1:]
    assert (await here.manager.get_run(queued[3])).queue_position == 3
    assert (await here.manager.get_run(queued[0])).status is Status.CANCELLED


async def test_the_estimated_start_counts_the_active_run_of_another_service(
    engines: tuple[Engine, Engine], mirror: Mirror
) -> None:
    here, there = engines
    earlier = await there.manager.start_run("handbook")
    (await there.executor.step("extract")).end()
    await there.end_of(earlier.id)
    await there.manager.start_run("handbook")
    await there.executor.step("extract")
    await mirror.refresh()
    await mirror.refresh()  # A run that is seen only once needs no estimate.

    queued = await here.manager.start_run("handbook", on_conflict=QUEUE)

    await here.until(lambda: shown(here, queued.id).estimated_start_at is not None)
    assert shown(here, queued.id).waits_for == ()


async def test_a_queued_run_begins_although_its_service_has_died(
    engines: tuple[Engine, Engine], mirror: Mirror
) -> None:
    here, there = engines
    active = await here.manager.start_run("handbook")
    queued = await there.manager.start_run("handbook", on_conflict=QUEUE)
    await there.manager.dispatcher.stop()
    there.faults.die()
    await mirror.refresh()

    (await here.executor.step("extract")).end()
    await here.end_of(active.id)

    assert (await here.executor.step("extract")).context.run_id == queued.id


async def test_a_refusal_for_another_services_run_says_what_the_other_policies_would_do(
    engines: tuple[Engine, Engine], mirror: Mirror
) -> None:
    here, there = engines
    active = await there.manager.start_run("handbook")
    await there.executor.step("extract")
    await there.manager.start_run("handbook", on_conflict=QUEUE)
    await mirror.refresh()

    with pytest.raises(RunActive) as refusal:
        await here.manager.start_run("handbook")

    choices = refusal.value.choices
    assert choices is not None
    assert (choices.join.possible, choices.join.run_id) == (True, active.id)
    assert (choices.queue.possible, choices.queue.position) == (True, 2)
    assert choices.replace.cancels == active.id


async def test_a_start_joins_the_run_of_another_service(engines: tuple[Engine, Engine]) -> None:
    here, there = engines
    active = await there.manager.start_run("handbook")

    joined = await here.manager.submit_run("handbook", on_conflict=ConflictPolicy.JOIN)
    with pytest.raises(RunActive, match="its parameters differ"):
        await here.manager.submit_run("handbook", on_conflict=ConflictPolicy.JOIN, params={"date": "today"})

    assert (joined.run.id, joined.joined) == (active.id, True)


def shown(engine: Engine, run_id: int) -> Run:
    topic = engine.hub.find(run_id)
    assert topic is not None
    return topic.run
