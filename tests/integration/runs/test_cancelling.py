"""Cancels: before, during and after the steps of a run."""

import asyncio
from pathlib import Path

import pytest

from solorun.errors import RunActive, RunNotActive, RunNotFound, StoreUnavailable
from solorun.record import Event
from solorun.status import Status, StepStatus
from tests.contracts.builders import new_run
from tests.fakes.engine import declare, open_engine, pass_limit
from tests.fakes.steps import ScriptedExecutor


async def test_a_run_becomes_cancelled_only_after_its_step_has_stopped(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        asked, accepted = await engine.manager.cancel_run(run.id, requested_by="ada", reason="wrong date")
        await step.stop_requested.wait()

        assert accepted
        assert asked.status is Status.RUNNING
        assert (asked.cancel_requested_by, asked.cancel_reason) == ("ada", "wrong date")
        assert (await engine.store.get_run(run.id)).status is Status.RUNNING
        with pytest.raises(RunActive):
            await engine.manager.start_run("handbook")

        step.end(exit_code=0)
        ended = await engine.end_of(run.id)
        assert ended.status is Status.CANCELLED
        assert [step.status for step in ended.steps] == [
            StepStatus.CANCELLED,
            StepStatus.SKIPPED,
            StepStatus.SKIPPED,
        ]


async def test_a_cancel_immediately_after_the_start_is_not_lost(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")

        _, accepted = await engine.manager.cancel_run(run.id)

        assert accepted
        assert (await engine.end_of(run.id)).status is Status.CANCELLED


async def test_a_cancel_during_start_is_not_lost(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        gate = engine.faults.hold_after("insert_run")
        start = asyncio.create_task(engine.manager.start_run("handbook"))
        await gate.reached.wait()

        cancel = asyncio.create_task(engine.manager.cancel_run(1))
        gate.open()
        await start
        _, accepted = await cancel

        assert accepted
        assert (await engine.end_of(1)).status is Status.CANCELLED
        assert engine.executor.begun == []


async def test_a_run_cancelled_while_pending_never_starts_a_step(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        gate = engine.faults.hold("commit")
        run = await engine.manager.start_run("handbook")
        await gate.reached.wait()

        await engine.manager.cancel_run(run.id)
        gate.open()

        ended = await engine.end_of(run.id)
        assert ended.status is Status.CANCELLED
        assert engine.executor.begun == []


async def test_a_second_cancel_keeps_the_reason_of_the_first(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await engine.manager.cancel_run(run.id, requested_by="ada", reason="first")

        asked, accepted = await engine.manager.cancel_run(run.id, requested_by="bob", reason="second")

        assert accepted
        assert (asked.cancel_requested_by, asked.cancel_reason) == ("ada", "first")
        step.end()
        await engine.end_of(run.id)
        records = await engine.log_of(run.id)
        cancels = [record.data or {} for record in records if record.event is Event.CANCEL]
        assert {(data["requested_by"], data["reason"]) for data in cancels} == {("ada", "first")}
        assert [record.message for record in records if "requested by" in record.message] == [
            "cancel requested by ada: first"
        ]


async def test_cancelling_a_cancelled_run_returns_it_unchanged(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        await engine.manager.cancel_run(run.id)
        ended = await engine.end_of(run.id)

        again, accepted = await engine.manager.cancel_run(run.id)

        assert (again, accepted) == (ended, False)


async def test_cancelling_a_run_that_ended_otherwise_is_refused(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()
        await engine.end_of(run.id)

        with pytest.raises(RunNotActive) as caught:
            await engine.manager.cancel_run(run.id)

        assert caught.value.run.status is Status.COMPLETED


async def test_cancelling_an_unknown_run_is_not_found(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        with pytest.raises(RunNotFound):
            await engine.manager.cancel_run(4711)


async def test_a_cancelled_run_without_a_task_has_no_error_message(tmp_path: Path) -> None:
    async with open_engine(tmp_path, owner="ours") as engine:
        await engine.store.insert_run(new_run("handbook"), owner="ours")

        await engine.manager.cancel_run(1)

        ended = await engine.end_of(1)
        assert (ended.status, ended.error_message) == (Status.CANCELLED, None)


async def test_a_cancel_that_cannot_be_recorded_promises_nothing_about_a_run_without_a_task(tmp_path: Path) -> None:
    async with open_engine(tmp_path, owner="ours") as engine:
        await engine.store.insert_run(new_run("handbook"), owner="ours")
        gate = engine.faults.hold("request_cancel")

        with pytest.raises(StoreUnavailable, match=r"not recorded yet\. It may still take effect\."):
            await pass_limit(gate, engine.manager.cancel_run(1))

        gate.open()
        assert (await engine.end_of(1)).status is Status.CANCELLED


async def test_the_project_sets_the_grace(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(cancel_grace_seconds=1.5)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        await engine.manager.cancel_run(run.id)
        await engine.end_of(run.id)

        assert step.graces == [1.5]


async def test_secrets_in_the_reason_of_a_cancel_are_masked(tmp_path: Path) -> None:
    project = declare(secrets=("API_KEY",))
    async with open_engine(tmp_path, project, environ={"API_KEY": "correct-horse"}) as engine:
        run = await engine.manager.start_run("handbook")

        asked, _ = await engine.manager.cancel_run(run.id, reason="because correct-horse")

        assert asked.cancel_reason == "because ***"


async def test_a_cancel_that_stops_the_work_is_no_warning(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        await engine.executor.step("extract")

        await engine.manager.cancel_run(run.id, requested_by="ada")

        counts = (await engine.end_of(run.id)).level_counts
        assert (counts.warning, counts.error) == (0, 0)
