"""Cancels that race with the end of a step or a run, and cancels that the store delays."""

import asyncio
from pathlib import Path

import pytest

from solorun.errors import RunActive, RunNotActive, StoreUnavailable
from solorun.status import Status, StepStatus
from tests.fakes.engine import declare, open_engine, pass_limit
from tests.fakes.steps import ScriptedExecutor, ScriptedStep


async def test_a_late_cancel_of_one_run_does_not_affect_the_next(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        first = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()
        await engine.end_of(first.id)
        second = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        with pytest.raises(RunNotActive):
            await engine.manager.cancel_run(first.id)

        assert not step.stop_requested.is_set()
        step.end()
        assert (await engine.end_of(second.id)).status is Status.COMPLETED


@pytest.mark.parametrize(("error_message", "status"), [(None, Status.COMPLETED), ("exit code 3", Status.FAILED)])
async def test_a_step_that_ended_before_the_cancel_reached_it_keeps_its_outcome(
    tmp_path: Path, error_message: str | None, status: Status
) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        gate = engine.faults.hold("commit")
        await step.context.log("its last words")
        await gate.reached.wait()

        step.end(error_message)
        asked, accepted = await engine.manager.cancel_run(run.id)
        gate.open()

        ended = await engine.end_of(run.id)
        assert accepted
        assert asked.status is Status.RUNNING
        assert ended.status is status
        assert ended.cancel_requested_at is not None
        assert step.graces == []


async def test_a_cancel_waits_for_the_output_of_a_step_that_has_exited(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        step.exit()

        await engine.manager.cancel_run(run.id)
        await step.context.log("the last of its output")
        with pytest.raises(RunActive):
            await engine.manager.start_run("handbook")
        step.end()

        ended = await engine.end_of(run.id)
        assert ended.status is Status.COMPLETED
        assert "the last of its output" in [record.message for record in await engine.log_of(run.id)]


async def test_a_step_that_exited_in_time_may_end_after_its_time_limit(tmp_path: Path) -> None:
    executor = ScriptedExecutor(prepare=ScriptedStep.exit)
    async with open_engine(tmp_path, declare(step_timeout_seconds=0.05), executor=executor) as engine:
        run = await engine.manager.start_run("handbook", scope="from:generate")
        step = await engine.executor.step("generate")
        loop = asyncio.get_running_loop()
        passed = asyncio.Event()
        loop.call_later(0.1, passed.set)
        await passed.wait()
        begun = len(engine.executor.begun)

        step.end()
        (await engine.executor.step("review")).end()

        assert begun == 1
        assert (await engine.end_of(run.id)).status is Status.COMPLETED


async def test_the_end_of_a_stream_includes_a_cancel_that_was_recorded_late(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        gate = engine.faults.hold("request_cancel")
        with pytest.raises(StoreUnavailable):
            await pass_limit(gate, engine.manager.cancel_run(run.id, requested_by="ada"))

        gate.open()
        topic = engine.hub.find(run.id)
        assert topic is not None
        await engine.until(lambda: topic.run.cancel_requested_by == "ada")
        step.end()

        assert await engine.end_of(run.id) == await engine.store.get_run(run.id)


async def test_a_run_does_not_end_before_its_cancel_is_recorded(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        gate = engine.faults.hold("request_cancel")
        cancel = asyncio.create_task(engine.manager.cancel_run(run.id, requested_by="ada"))
        await step.stop_requested.wait()
        await gate.reached.wait()
        await engine.until(lambda: step.result is not None)

        gate.open()
        asked, accepted = await cancel

        ended = await engine.end_of(run.id)
        assert accepted
        assert asked.cancel_requested_by == ended.cancel_requested_by == "ada"
        assert ended.status is Status.CANCELLED


async def test_a_run_ends_even_if_the_store_refuses_to_record_the_cancel(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        await engine.executor.step("extract")
        engine.faults.fail("request_cancel", StoreUnavailable("locked"))

        with pytest.raises(StoreUnavailable):
            await engine.manager.cancel_run(run.id)

        assert (await engine.end_of(run.id)).status is Status.CANCELLED


async def test_a_cancel_between_two_steps_starts_no_further_step(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        step.end()
        await engine.manager.cancel_run(run.id)

        ended = await engine.end_of(run.id)
        assert ended.status is Status.CANCELLED
        assert [step.status for step in ended.steps] == [
            StepStatus.COMPLETED,
            StepStatus.SKIPPED,
            StepStatus.SKIPPED,
        ]


async def test_the_step_is_stopped_even_if_the_store_does_not_respond(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        gate = engine.faults.hold("request_cancel")

        with pytest.raises(StoreUnavailable):
            await pass_limit(gate, engine.manager.cancel_run(run.id))

        await step.stop_requested.wait()
        gate.open()
        assert (await engine.end_of(run.id)).status is Status.CANCELLED
