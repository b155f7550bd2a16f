"""Starts that wait, join and replace: what the engine does with the runs that the store has queued."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from solorun.errors import QueueFull, RunActive, StoreUnavailable
from solorun.queueing import Choices, ConflictPolicy, JoinChoice, QueueChoice, ReplaceChoice
from solorun.run import Run
from solorun.status import Status, StepStatus
from solorun.trace_context import caller_trace
from tests.fakes.engine import Engine, EngineLimits, declare, open_engine
from tests.fakes.patience import PATIENCE_SECONDS
from tests.fakes.steps import ScriptedExecutor

QUEUE = ConflictPolicy.QUEUE
ONE_STEP = ("extract",)


async def queue(engine: Engine, project: str = "handbook") -> Run:
    return await engine.manager.start_run(project, on_conflict=QUEUE)


async def complete_next_step(engine: Engine, name: str = "extract") -> int:
    """End the next step of this name. Returns the id of its run."""
    step = await engine.executor.step(name)
    step.end()
    return step.context.run_id


async def test_queued_runs_begin_in_order_as_soon_as_the_one_before_has_ended(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        runs = [await queue(engine) for _ in range(4)]

        assert [run.status for run in runs] == [Status.PENDING] + [Status.QUEUED] * 3
        assert [run.queue_position for run in runs] == [None, 1, 2, 3]
        assert [await complete_next_step(engine) for _ in runs] == [run.id for run in runs]
        assert [(await engine.end_of(run.id)).status for run in runs] == [Status.COMPLETED] * 4


async def test_a_follower_of_a_queued_run_sees_it_wait_begin_and_end(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        waiting = await queue(engine)
        follower = asyncio.create_task(engine.log_of(waiting.id))
        await engine.until(lambda: engine.hub.find(waiting.id) is not None)

        await complete_next_step(engine)
        await complete_next_step(engine)

        assert [record.step for record in await follower if record.step] != []


async def test_the_places_in_the_queue_are_published_when_they_change(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        first, second = await queue(engine), await queue(engine)

        await engine.manager.cancel_run(first.id)

        assert (await engine.manager.get_run(second.id)).queue_position == 1
        assert [run.id for run in engine.manager.list_queued_runs("handbook")] == [second.id]


async def test_a_cancelled_queued_run_ends_immediately_and_never_begins(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        first, second = await queue(engine), await queue(engine)

        run, accepted = await engine.manager.cancel_run(first.id, requested_by="anna", reason="not today")

        assert (accepted, run.status, run.cancel_requested_by) == (True, Status.CANCELLED, "anna")
        assert (await engine.end_of(first.id)).status is Status.CANCELLED
        await complete_next_step(engine)
        assert await complete_next_step(engine) == second.id


async def test_a_full_queue_refuses(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(queue_max=1, on_conflict=QUEUE)) as engine:
        for _ in range(2):
            await engine.manager.start_run("handbook")

        with pytest.raises(QueueFull):
            await engine.manager.start_run("handbook")


async def test_a_run_that_waits_longer_than_its_limit_is_cancelled(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(queue_timeout_seconds=0.05)) as engine:
        await queue(engine)
        waiting = await queue(engine)

        ended = await engine.end_of(waiting.id)

        assert waiting.queue_deadline == waiting.created_at + timedelta(seconds=0.05)
        assert (ended.status, ended.cancel_requested_by) == (Status.CANCELLED, "solorun")
        assert ended.cancel_reason == "it waited in the queue for too long"


# -- refusals


async def test_a_refusal_says_what_the_other_policies_would_do(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        active = await engine.manager.start_run("handbook")
        await queue(engine)

        with pytest.raises(RunActive) as refusal:
            await engine.manager.start_run("handbook")

        assert refusal.value.choices == Choices(
            JoinChoice(True, active.id), QueueChoice(True, 2, None), ReplaceChoice(active.id)
        )


# -- replace


async def test_a_replacement_cancels_the_active_run_and_begins_after_its_true_end(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP), executor=ScriptedExecutor(unkillable=True)) as engine:
        active = await engine.manager.start_run("handbook")
        work = await engine.executor.step("extract")
        waiting = await queue(engine)

        replacement = await engine.manager.start_run(
            "handbook", triggered_by="anna", on_conflict=ConflictPolicy.REPLACE
        )

        assert (replacement.status, replacement.replaces, replacement.queue_position) == (Status.QUEUED, active.id, 1)
        await work.stop_requested.wait()
        assert (await engine.manager.get_run(replacement.id)).status is Status.QUEUED
        work.end()
        ended = await engine.end_of(active.id)
        assert (ended.status, ended.cancel_requested_by) == (Status.CANCELLED, "anna")
        assert ended.cancel_reason == f"replaced by run {replacement.id}"
        assert await complete_next_step(engine) == replacement.id
        assert await complete_next_step(engine) == waiting.id


async def test_a_second_replacement_replaces_the_first(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP), executor=ScriptedExecutor(unkillable=True)) as engine:
        await engine.manager.start_run("handbook")
        work = await engine.executor.step("extract")
        first = await engine.manager.start_run("handbook", on_conflict=ConflictPolicy.REPLACE)

        second = await engine.manager.start_run("handbook", on_conflict=ConflictPolicy.REPLACE)

        assert (await engine.end_of(first.id)).status is Status.CANCELLED
        work.end()
        assert await complete_next_step(engine) == second.id


# -- restarts and faults


async def test_a_queue_survives_a_crash_of_the_service(tmp_path: Path) -> None:
    project = declare(steps=ONE_STEP, params=("date",))
    async with open_engine(tmp_path, project, drain=False) as engine:
        active = await queue(engine)
        waiting = [
            await engine.manager.start_run("handbook", params={"date": day}, on_conflict=QUEUE) for day in ("1", "2")
        ]
        engine.faults.die()

    async with open_engine(tmp_path, project, owner="a later start") as engine:
        assert [run.id for run in engine.recovered] == [active.id]
        for run, day in zip(waiting, ("1", "2"), strict=True):
            step = await engine.executor.step("extract")
            assert (step.context.run_id, step.context.params) == (run.id, {"date": day})
            step.end()
            assert (await engine.end_of(run.id)).status is Status.COMPLETED


async def test_a_queued_run_stays_in_the_trace_of_its_caller_after_a_crash(tmp_path: Path) -> None:
    span = f"00-{'ab' * 16}-{'cd' * 8}-01"
    async with open_engine(tmp_path, drain=False) as engine:
        await engine.manager.start_run("handbook")
        known = caller_trace.set({"traceparent": span, "tracestate": "vendor=1"})
        waiting = await engine.manager.start_run("handbook", on_conflict=QUEUE)
        caller_trace.set({"traceparent": "not a span"})
        behind = await engine.manager.start_run("handbook", on_conflict=QUEUE)
        caller_trace.reset(known)
        engine.faults.die()

    async with open_engine(tmp_path, owner="next start") as engine:
        await engine.executor.step("extract")
        handle = engine.registry.find(waiting.id)

    assert handle is not None
    assert handle.start.trace == {"traceparent": span}
    assert (waiting.traceparent, behind.traceparent) == (span, None)


async def test_a_drain_leaves_the_queue_to_the_next_start(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        waiting = await queue(engine)

    async with open_engine(tmp_path, declare(steps=ONE_STEP), owner="a later start") as engine:
        assert await complete_next_step(engine) == waiting.id


async def test_a_run_that_is_claimed_while_the_drain_begins_is_left_to_the_next_start(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        waiting = await queue(engine)
        held = engine.faults.hold_after("claim_runs")
        await complete_next_step(engine)
        await held.reached.wait()
        drain = asyncio.create_task(engine.manager.drain(PATIENCE_SECONDS))
        await engine.until(lambda: engine.manager.draining)
        held.open()
        await drain

        assert (await engine.store.get_run(waiting.id)).status is Status.PENDING

    async with open_engine(tmp_path, declare(steps=ONE_STEP), owner="a later start") as engine:
        assert await complete_next_step(engine) == waiting.id


async def test_a_queued_run_whose_steps_changed_meanwhile_fails_and_says_so(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        waiting = await queue(engine)

    async with open_engine(tmp_path, declare(steps=("extract", "review")), owner="a later start") as engine:
        ended = await engine.end_of(waiting.id)
        await engine.until(lambda: engine.hub.list_runs() == [])

    assert ended.status is Status.FAILED
    assert ended.error_message == ("it could not be started: the steps of the project changed while the run was queued")
    assert {step.status for step in ended.steps} == {StepStatus.SKIPPED}


async def test_a_promoted_run_whose_parameters_cannot_be_read_begins_later(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        first, second = await queue(engine), await queue(engine)

    async with open_engine(tmp_path, declare(steps=ONE_STEP), owner="a later start") as engine:
        engine.faults.fail("read_unmasked_params", StoreUnavailable())

        assert [await complete_next_step(engine) for _ in range(2)] == [first.id, second.id]


async def test_a_queued_start_whose_answer_was_lost_is_cancelled(tmp_path: Path) -> None:
    limits = EngineLimits(reaper_retry_seconds=0.001)
    async with open_engine(tmp_path, declare(steps=ONE_STEP), limits=limits) as engine:
        await queue(engine)
        engine.faults.fail_after("insert_run", StoreUnavailable())

        with pytest.raises(StoreUnavailable):
            await queue(engine)

        await engine.manager.reaper.wait_until_done()
        newest = (await engine.store.list_runs(limit=1))[0]
        assert newest.status is Status.CANCELLED


async def test_a_store_that_fails_while_promoted_runs_are_claimed_is_asked_again(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        waiting = await queue(engine)
        engine.faults.fail("claim_runs", StoreUnavailable(), StoreUnavailable())

        await complete_next_step(engine)

        assert await complete_next_step(engine) == waiting.id


async def test_queued_runs_begin_although_the_queue_has_failed_unexpectedly(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP)) as engine:
        await queue(engine)
        waiting = await queue(engine)
        engine.faults.fail("claim_runs", RuntimeError("can't start new thread"))

        await complete_next_step(engine)

        assert await complete_next_step(engine) == waiting.id


async def test_the_start_of_a_replacement_is_not_estimated(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=ONE_STEP), executor=ScriptedExecutor(unkillable=True)) as engine:
        for _ in range(5):
            run = await queue(engine)
            await complete_next_step(engine)
            await engine.end_of(run.id)
        active = await queue(engine)
        step = await engine.executor.step("extract")
        handle = engine.registry.find(active.id)
        await engine.until(lambda: handle is not None and handle.estimated_seconds is not None)
        behind = await queue(engine)

        replacement = await engine.manager.start_run("handbook", on_conflict=ConflictPolicy.REPLACE)

        assert behind.estimated_start_at is not None
        assert replacement.estimated_start_at is None
        assert replacement.replaces == active.id
        step.end()
