"""A start is repeated through another service, while it is unknown whether the first one gives it up."""

import asyncio

import anyio
import pytest

from solorun.errors import StoreUnavailable
from solorun.idempotency_key import IdempotencyKey
from solorun.queueing import ConflictPolicy, StartResult
from solorun.run import Run
from solorun.runs import Mirror, RunManager, Submission, submit_once
from solorun.status import Status
from tests.fakes.engine import Engine, pass_limit
from tests.fakes.stores import Gate

KEY = IdempotencyKey("7d0f2a5e", b"{}")
QUEUE, REJECT = ConflictPolicy.QUEUE, ConflictPolicy.REJECT


async def submit(manager: RunManager, policy: ConflictPolicy) -> Submission:
    return await submit_once(
        manager, "handbook", KEY, manager.submit_run("handbook", key=KEY, on_conflict=policy, params={"date": "today"})
    )


async def submit_too_late(engine: Engine, policy: ConflictPolicy) -> Gate:
    """A start that is committed, but that the engine gives up once the gate opens: its caller has got a 503."""
    inserted = engine.faults.hold_after("insert_run")
    with pytest.raises(StoreUnavailable):
        await pass_limit(inserted, submit(engine.manager, policy))
    return inserted


async def until_settled(engine: Engine) -> None:
    await engine.until(lambda: not engine.registry.start_lock.locked())
    await engine.manager.reaper.wait_until_done()


async def complete_next_step(engine: Engine) -> Run:
    step = await engine.executor.step("extract")
    step.end()
    return await engine.end_of(step.context.run_id)


async def test_a_queued_run_that_a_repetition_has_returned_is_not_given_up(
    engines: tuple[Engine, Engine], mirror: Mirror
) -> None:
    here, there = engines
    active = await there.manager.start_run("handbook")
    inserted = await submit_too_late(there, QUEUE)
    await mirror.refresh()

    repeated = await submit(here.manager, QUEUE)
    inserted.open()
    await until_settled(there)

    assert (repeated.replayed, repeated.result, repeated.run.status) == (True, StartResult.QUEUED, Status.QUEUED)
    assert (await complete_next_step(there)).id == active.id
    assert (await there.store.get_run(repeated.run.id)).cancel is None
    assert (await complete_next_step(there)).status is Status.COMPLETED
    assert (await submit(here.manager, QUEUE)).run.id == repeated.run.id


async def test_a_late_start_that_another_service_has_begun_is_cancelled(
    engines: tuple[Engine, Engine], mirror: Mirror
) -> None:
    here, there = engines
    active = await here.manager.start_run("handbook")
    inserted = await submit_too_late(there, QUEUE)
    await mirror.refresh()
    assert (await complete_next_step(here)).id == active.id
    begun = await here.executor.step("extract")

    inserted.open()
    await until_settled(there)

    cancel = (await there.store.get_run(begun.context.run_id)).cancel
    assert cancel is not None
    assert (cancel.requested_by, cancel.reason) == ("solorun", "the database answered too late")


async def test_a_pending_run_that_a_repetition_has_returned_is_executed(engines: tuple[Engine, Engine]) -> None:
    here, there = engines
    inserted = await submit_too_late(there, REJECT)

    repeated = await submit(here.manager, REJECT)
    inserted.open()

    assert (repeated.replayed, repeated.result, repeated.run.status) == (True, StartResult.STARTED, Status.PENDING)
    ended = await complete_next_step(there)
    assert (ended.id, ended.status) == (repeated.run.id, Status.COMPLETED)


async def test_a_pending_run_whose_insertion_was_not_answered_is_executed_after_a_repetition(
    engines: tuple[Engine, Engine],
) -> None:
    here, there = engines
    there.faults.fail_after("insert_run", StoreUnavailable())
    reaping = there.faults.hold("find_active_run")
    with pytest.raises(StoreUnavailable):
        await submit(there.manager, REJECT)
    with anyio.fail_after(60):
        await reaping.reached.wait()

    repeated = await submit(here.manager, REJECT)
    reaping.open()

    ended = await complete_next_step(there)
    assert (ended.id, ended.status) == (repeated.run.id, Status.COMPLETED)


async def test_a_pending_run_of_a_killed_service_is_returned(engines: tuple[Engine, Engine]) -> None:
    here, there = engines
    inserted = there.faults.hold_after("insert_run")
    first = asyncio.create_task(submit(there.manager, REJECT))
    with anyio.fail_after(60):
        await inserted.reached.wait()
    there.faults.die()
    first.cancel()

    pending = await submit(here.manager, REJECT)
    await here.manager.reaper.recover()  # its lease has expired
    ended = await submit(here.manager, REJECT)

    assert (pending.replayed, pending.result, pending.run.status) == (True, StartResult.STARTED, Status.PENDING)
    assert (ended.run.id, ended.run.status) == (pending.run.id, Status.INTERRUPTED)
    assert here.executor.begun == []


async def test_a_start_that_was_given_up_before_it_is_repeated_starts_another_run(
    engines: tuple[Engine, Engine],
) -> None:
    here, there = engines
    inserted = await submit_too_late(there, REJECT)
    acknowledging = here.faults.hold("acknowledge_start")
    repetition = asyncio.create_task(submit(here.manager, REJECT))
    with anyio.fail_after(60):
        await acknowledging.reached.wait()

    inserted.open()
    await until_settled(there)
    acknowledging.open()

    with pytest.raises(StoreUnavailable, match="Repeat the request"):
        await repetition
    again = await submit(here.manager, REJECT)
    assert (again.replayed, again.run.status) == (False, Status.PENDING)
