"""The database commits, but its answer is lost: what waits still begins, or its readers still see it end."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from solorun.errors import StoreUnavailable
from solorun.idempotency_key import IdempotencyKey
from solorun.queueing import ConflictPolicy
from solorun.status import Status
from tests.fakes.engine import EngineLimits, declare, open_engine
from tests.fakes.steps import ScriptedExecutor
from tests.integration.runs.test_queueing import ONE_STEP, complete_next_step, queue

KEY = IdempotencyKey("7d0f2a5e", b"{}")


async def test_a_promoted_run_begins_although_the_answer_to_its_claim_was_lost(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        first, second = await queue(engine), await queue(engine)
        engine.faults.fail_after("claim_runs", StoreUnavailable())

        await complete_next_step(engine)

        assert [await complete_next_step(engine) for _ in range(2)] == [first.id, second.id]


async def test_readers_see_the_end_of_a_queued_run_although_the_answer_to_its_cancel_was_lost(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        first, second = await queue(engine), await queue(engine)
        engine.faults.fail_after("request_cancel", StoreUnavailable())

        with pytest.raises(StoreUnavailable):
            await engine.manager.cancel_run(first.id)

        assert (await engine.end_of(first.id)).status is Status.CANCELLED
        await engine.until(lambda: [run.queue_position for run in engine.manager.list_queued_runs()] == [1])
        assert [run.id for run in engine.manager.list_queued_runs()] == [second.id]


async def test_readers_see_the_end_of_an_earlier_replacement_although_it_cannot_be_read_at_first(
    tmp_path: Path,
) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP), executor=ScriptedExecutor(unkillable=True)) as engine:
        await queue(engine)
        work = await engine.executor.step("extract")
        earlier = await engine.manager.start_run("handbook", on_conflict=ConflictPolicy.REPLACE)
        engine.faults.fail("list_queued_runs", StoreUnavailable())

        newest = await engine.manager.start_run("handbook", on_conflict=ConflictPolicy.REPLACE)

        assert (await engine.end_of(earlier.id)).status is Status.CANCELLED
        work.end()
        assert await complete_next_step(engine) == newest.id


async def test_a_queued_start_that_was_not_confirmed_begins_after_a_repetition(tmp_path: Path) -> None:
    limits = EngineLimits(reaper_retry_seconds=0.001)
    async with open_engine(tmp_path, declare(steps=ONE_STEP), limits=limits) as engine:
        active = await queue(engine)
        engine.faults.fail_after("insert_run", StoreUnavailable())
        engine.faults.fail("find_active_run", StoreUnavailable())
        reaping = engine.faults.hold("give_up_start")
        with pytest.raises(StoreUnavailable):
            await engine.manager.submit_run("handbook", on_conflict=ConflictPolicy.QUEUE, key=KEY)
        await reaping.reached.wait()
        assert await engine.store.acknowledge_start("handbook", KEY, at=datetime.now(UTC))

        await complete_next_step(engine)
        await engine.end_of(active.id)
        reaping.open()

        repeated = await complete_next_step(engine)
        assert (await engine.end_of(repeated)).status is Status.COMPLETED
        found = await engine.store.find_run_by_key("handbook", KEY, at=datetime.now(UTC))
        assert found is not None
        assert found.run.id == repeated


async def test_a_queued_start_that_was_not_confirmed_never_begins(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        active = await queue(engine)
        engine.faults.fail_after("insert_run", StoreUnavailable())
        reaping = engine.faults.hold("find_active_run")
        with pytest.raises(StoreUnavailable):
            await queue(engine)
        await reaping.reached.wait()
        engine.faults.fail("list_queued_runs", StoreUnavailable())
        reaping.open()
        await engine.until(lambda: not engine.registry.start_lock.locked())

        await complete_next_step(engine)
        await engine.end_of(active.id)
        latest = await engine.manager.start_run("handbook")

        assert await complete_next_step(engine) == latest.id
        [unconfirmed] = {run.id: run for run in await engine.store.list_runs()}.keys() - {active.id, latest.id}
        assert (await engine.manager.get_run(unconfirmed)).status is Status.FAILED


async def test_a_run_begins_although_one_that_was_claimed_with_it_could_not_be_given_up(tmp_path: Path) -> None:
    projects = declare(steps=ONE_STEP), declare("glossary", steps=ONE_STEP)
    limits = EngineLimits(reaper_retry_seconds=3600)
    async with open_engine(tmp_path, *projects, limits=limits, drain=False) as engine:
        active = [await queue(engine, project.name) for project in projects]
        engine.faults.fail_after("insert_run", StoreUnavailable())
        engine.faults.fail("find_active_run", StoreUnavailable())
        with pytest.raises(StoreUnavailable):
            await queue(engine)
        waiting = await queue(engine, "glossary")
        engine.faults.fail("give_up_start", StoreUnavailable())

        claim = engine.faults.hold("claim_runs")
        for run in active:
            await complete_next_step(engine)
            await engine.end_of(run.id)
        claim.open()

        assert await complete_next_step(engine) == waiting.id
