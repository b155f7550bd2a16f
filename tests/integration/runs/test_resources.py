"""Runs and steps that share resources: their slots, their turns, and refusals."""

import asyncio
from pathlib import Path

import pytest

from solorun.errors import ResourceBusy, RunActive
from solorun.queueing import ConflictPolicy, QueueChoice
from solorun.status import Status, StepStatus
from tests.fakes.engine import Engine, declare, open_engine
from tests.integration.runs.test_queueing import ONE_STEP, complete_next_step, queue
from tests.integration.runs.test_retries import NEVER, fail_once_then_wait, retries


async def test_a_refusal_because_of_a_resource_says_who_holds_it(tmp_path: Path) -> None:
    projects = [declare(name, steps=ONE_STEP, resources={"gpu": 1}) for name in ("a", "b")]
    async with open_engine(tmp_path, *projects, resources={"gpu": 1}) as engine:
        holder = await engine.manager.start_run("a")

        with pytest.raises(ResourceBusy) as refusal:
            await engine.manager.start_run("b")

        assert [(hold.run_id, hold.slot) for hold in refusal.value.holders] == [(holder.id, 0)]
        assert refusal.value.choices is not None
        assert refusal.value.choices.queue == QueueChoice(True, 1, None)


async def test_projects_take_turns_on_a_resource_and_see_their_slots(tmp_path: Path) -> None:
    projects = [declare(name, steps=ONE_STEP, resources={"gpu": 1}) for name in ("a", "b", "c")]
    async with open_engine(tmp_path, *projects, resources={"gpu": 2}) as engine:
        runs = [await queue(engine, project.name) for project in projects]

        assert [run.slots for run in runs] == [{"gpu": [0]}, {"gpu": [1]}, {}]
        assert (runs[2].queue_position, runs[2].waits_for) == (1, ("gpu",))
        first, second = await engine.executor.step("extract"), await engine.executor.step("extract")
        assert {str(one.context.slots) for one in (first, second)} == {"{'gpu': [0]}", "{'gpu': [1]}"}
        second.end()
        third = await engine.executor.step("extract")
        assert third.context.slots == second.context.slots


async def test_a_step_waits_for_its_own_resources_and_releases_them_at_its_end(tmp_path: Path) -> None:
    projects = [declare(name, steps=("prepare", "train"), step_resources={"train": {"gpu": 1}}) for name in ("a", "b")]
    async with open_engine(tmp_path, *projects, resources={"gpu": 1}) as engine:
        runs = [await engine.manager.start_run(project.name) for project in projects]
        for _ in runs:
            await complete_next_step(engine, "prepare")
        holder = await engine.executor.step("train")

        waiting = next(run for run in runs if run.id != holder.context.run_id)
        await engine.until(lambda: _status_of(engine, waiting.id, "train") is StepStatus.WAITING)
        holder.end()
        second = await engine.executor.step("train")
        second.end()

        assert (second.context.run_id, second.context.slots) == (waiting.id, {"gpu": [0]})
        ended = await engine.end_of(waiting.id)
        assert (ended.status, ended.steps[1].slots) == (Status.COMPLETED, {"gpu": [0]})
        assert "train waits for gpu" in [record.message for record in await engine.log_of(waiting.id)]
        assert await engine.store.list_holds() == []


async def test_a_run_whose_step_waits_can_be_cancelled(tmp_path: Path) -> None:
    projects = [declare(name, steps=("train",), step_resources={"train": {"gpu": 1}}) for name in ("a", "b")]
    async with open_engine(tmp_path, *projects, resources={"gpu": 1}) as engine:
        await engine.manager.start_run("a")
        await engine.executor.step("train")
        waiting = await engine.manager.start_run("b")
        await engine.until(lambda: _status_of(engine, waiting.id, "train") is StepStatus.WAITING)

        await engine.manager.cancel_run(waiting.id)

        ended = await engine.end_of(waiting.id)
        assert (ended.status, ended.steps[0].status) == (Status.CANCELLED, StepStatus.SKIPPED)


def _status_of(engine: Engine, run_id: int, step: str) -> StepStatus | None:
    topic = engine.hub.find(run_id)
    return None if topic is None else next(one.status for one in topic.run.steps if one.name == step)


@pytest.mark.parametrize("policy", [ConflictPolicy.REJECT, ConflictPolicy.JOIN])
async def test_a_start_that_finds_a_promoted_run_leaves_it_its_turn(tmp_path: Path, policy: ConflictPolicy) -> None:
    projects = [declare(name, steps=ONE_STEP, resources={"gpu": 1}) for name in ("a", "b")]
    async with open_engine(tmp_path, *projects, resources={"gpu": 1}) as engine:
        holder, waiting = await queue(engine, "a"), await queue(engine, "b")
        await engine.registry.start_lock.acquire()
        start = asyncio.create_task(engine.manager.start_run("b", on_conflict=policy))
        await asyncio.sleep(0)  # The start waits for the lock before the run is promoted.
        await complete_next_step(engine)
        await engine.end_of(holder.id)

        engine.registry.start_lock.release()

        if policy is ConflictPolicy.JOIN:
            assert (await start).id == waiting.id
        else:
            with pytest.raises(RunActive) as refusal:
                await start
            assert refusal.value.active_run.id == waiting.id
        assert await complete_next_step(engine) == waiting.id
        assert (await engine.end_of(waiting.id)).status is Status.COMPLETED


async def test_a_step_gives_its_resources_back_during_the_pause(tmp_path: Path) -> None:
    needs = {"load": {"gpu": 1}}
    projects = [
        declare("handbook", steps=("load",), step_resources=needs, retries=retries(1, delay=NEVER)),
        declare("other", steps=("load",), step_resources=needs),
    ]
    async with open_engine(tmp_path, *projects, resources={"gpu": 1}) as engine:
        await fail_once_then_wait(engine)
        other = await engine.manager.start_run("other")

        step = await engine.executor.step("load")

        assert (step.context.run_id, step.context.slots) == (other.id, {"gpu": [0]})


async def test_a_step_waits_for_its_resources_before_its_next_attempt(tmp_path: Path) -> None:
    needs = {"load": {"gpu": 1}}
    projects = [
        declare("handbook", steps=("load",), step_resources=needs, retries=retries(1, delay=0.2)),
        declare("other", steps=("load",), step_resources=needs),
    ]
    async with open_engine(tmp_path, *projects, resources={"gpu": 1}) as engine:
        waiting = await fail_once_then_wait(engine)
        await engine.manager.start_run("other")
        other = await engine.executor.step("load")
        topic = engine.hub.find(waiting.id)
        assert topic is not None
        await engine.until(lambda: topic.run.steps[0].next_attempt_at is None)
        status = topic.run.steps[0].status
        other.end()

        again = await engine.executor.step("load")
        again.end()
        ended = await engine.end_of(waiting.id)

        assert status is StepStatus.WAITING
        assert (again.context.run_id, again.context.attempt) == (waiting.id, 2)
        assert (ended.status, len(ended.steps[0].attempts)) == (Status.COMPLETED, 2)
