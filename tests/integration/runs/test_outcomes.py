"""How runs end: failures, time limits, writes that fail, and other owners."""

import asyncio
from pathlib import Path

import pytest

from solorun.errors import SolorunError, StoreCorrupted, StoreFailure, StoreUnavailable
from solorun.outcome import Outcome
from solorun.record import Level
from solorun.status import Status, StepStatus
from solorun.store import FinalState
from tests.fakes.engine import declare, noting_ends, open_engine, system_now
from tests.fakes.steps import ScriptedExecutor


async def test_the_first_failure_ends_the_run_and_later_steps_are_skipped(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()
        (await engine.executor.step("generate")).end("exit code 3", 3)

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.FAILED, "generate: exit code 3")
        assert [(step.status, step.exit_code) for step in ended.steps] == [
            (StepStatus.COMPLETED, 0),
            (StepStatus.FAILED, 3),
            (StepStatus.SKIPPED, None),
        ]
        assert ended.steps[1].error_message == "exit code 3"


async def test_the_stream_ends_with_the_row(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.context.log("one")
        step.end()

        streamed = await engine.end_of(run.id)

        assert streamed == await engine.store.get_run(run.id)
        assert streamed.last_seq == len(await engine.log_of(run.id))


async def test_an_internal_error_fails_the_run_and_logs_its_traceback(tmp_path: Path) -> None:
    executor = ScriptedExecutor()
    executor.start_error = OSError("no pipes left in /var/lib/secret/place")
    async with open_engine(tmp_path, executor=executor) as engine:
        run = await engine.manager.start_run("handbook")

        ended = await engine.end_of(run.id)
        records = await engine.log_of(run.id)

        assert ended.status is Status.FAILED
        assert ended.error_message == "internal error: OSError: no pipes left in …/place"
        assert ended.steps[0].status is StepStatus.FAILED
        assert any("Traceback" in record.message and record.level is Level.ERROR for record in records)


async def test_a_run_that_exceeds_its_time_limit_fails(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(timeout_seconds=0.05)) as engine:
        run = await engine.manager.start_run("handbook")

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.FAILED, "the run timed out after 50ms")


async def test_a_step_that_exceeds_its_time_limit_fails_the_run_even_if_it_exits_with_0(tmp_path: Path) -> None:
    executor = ScriptedExecutor(unkillable=True)
    async with open_engine(tmp_path, declare(step_timeout_seconds=0.05), executor=executor) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.stop_requested.wait()
        step.end(exit_code=0)

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.FAILED, "extract timed out after 50ms")
        assert ended.steps[0].error_message == "timed out after 50ms"


async def test_the_log_reports_a_time_out_once(tmp_path: Path) -> None:
    executor = ScriptedExecutor(unkillable=True)
    async with open_engine(tmp_path, declare(step_timeout_seconds=0.05), executor=executor) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.stop_requested.wait()
        step.end("killed by SIGTERM", -15)
        ended = await engine.end_of(run.id)

        messages = [record.message for record in await engine.log_of(run.id)]

        assert messages[-2:] == ["stopping extract (grace 10s)", "extract failed: timed out after 50ms"]
        assert ended.steps[0].exit_code is None


async def test_a_cancel_after_a_timeout_does_not_change_the_outcome(tmp_path: Path) -> None:
    executor = ScriptedExecutor(unkillable=True)
    async with open_engine(tmp_path, declare(timeout_seconds=0.05), executor=executor) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.stop_requested.wait()

        await engine.manager.cancel_run(run.id)
        step.end()

        assert (await engine.end_of(run.id)).status is Status.FAILED


async def test_a_final_write_that_fails_is_retried_and_does_not_fail_the_run(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        engine.faults.fail("commit", StoreUnavailable("disk full"), StoreUnavailable("disk full"))

        step.end()

        assert (await engine.end_of(run.id)).status is Status.COMPLETED


async def test_an_ending_that_was_committed_despite_an_error_is_a_success(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        topic = engine.hub.find(run.id)
        assert topic is not None
        await topic.wait_after(0)
        engine.faults.fail_after("commit", StoreUnavailable("the answer was lost"), StoreUnavailable("again"))

        step.end()

        assert (await engine.end_of(run.id)).status is Status.COMPLETED
        assert [record.seq for record in await engine.log_of(run.id)] == [1, 2]


async def test_an_end_is_published_only_after_it_is_written(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        topic = engine.hub.find(run.id)
        assert topic is not None
        await topic.wait_after(0)
        gate = engine.faults.hold("commit")

        step.end()
        await gate.reached.wait()

        assert (await engine.manager.get_run(run.id)).status is Status.RUNNING
        assert topic.run.last_seq == 1
        gate.open()
        assert (await engine.end_of(run.id)).status is Status.COMPLETED


@pytest.mark.parametrize("error", [StoreFailure, StoreCorrupted])
async def test_a_log_that_the_database_refuses_affects_no_other_run(tmp_path: Path, error: type[SolorunError]) -> None:
    async with open_engine(tmp_path, declare("one", steps=("a",)), declare("two", steps=("b",))) as engine:
        first = await engine.manager.start_run("one")
        second = await engine.manager.start_run("two")
        one, two = await engine.executor.step("a"), await engine.executor.step("b")
        gate = engine.faults.hold("commit")
        await one.context.log("x")
        await gate.reached.wait()
        await two.context.log("y")
        engine.faults.fail("commit", error("together"), error("the first alone"))
        gate.open()
        one.end()
        two.end()

        ended = [await engine.end_of(second.id), await engine.end_of(first.id)]

        assert {run.status for run in ended} == {Status.COMPLETED}


async def test_a_run_that_another_owner_ended_stops_its_step_and_shows_that_ending(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        ending = FinalState(Outcome(Status.INTERRUPTED, "by hand"), system_now())
        await engine.store.finalize_run(run.id, owner=None, ending=ending)

        await step.context.log("still here")
        await step.stop_requested.wait()

        ended = await engine.end_of(run.id)
        assert (ended.status, ended.error_message) == (Status.INTERRUPTED, "by hand")


async def test_a_run_that_another_owner_ended_before_it_began_starts_no_step(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        beginning = engine.faults.hold("commit")
        run = await engine.manager.start_run("handbook")
        await beginning.reached.wait()
        ending = FinalState(Outcome(Status.FAILED, "by hand"), system_now())
        await engine.store.finalize_run(run.id, owner=None, ending=ending)

        beginning.open()

        ended = await engine.end_of(run.id)
        assert (ended.status, ended.error_message) == (Status.FAILED, "by hand")
        assert engine.executor.begun == []


async def test_row_and_stream_agree_on_a_run_that_ends_before_its_start_is_written(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare("one"), declare("two")) as engine:
        await engine.manager.start_run("one")
        one = await engine.executor.step("extract")
        gate = engine.faults.hold("commit")
        await one.context.log("x")
        await gate.reached.wait()
        (tmp_path / "artifacts").rename(tmp_path / "moved")
        (tmp_path / "artifacts").touch()  # so that no directory can be made for the run
        with noting_ends() as noted:
            run = await engine.manager.start_run("two")
            await engine.until(lambda: run.id in noted)
        ending = asyncio.create_task(engine.end_of(run.id))
        await asyncio.sleep(0)

        gate.open()

        ended = await ending
        assert (ended.status, ended.started_at) == (Status.FAILED, ended.steps[0].started_at)
        assert await engine.store.get_run(run.id) == ended


async def test_records_written_before_another_owner_ended_the_run_are_shown(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        beginning = engine.faults.hold("commit")
        run = await engine.manager.start_run("handbook")
        reading = asyncio.create_task(engine.log_of(run.id))
        topic = engine.hub.find(run.id)
        assert topic is not None
        await beginning.reached.wait()
        engine.faults.fail_after("commit", StoreUnavailable("the answer was lost"))
        again = engine.faults.hold("commit")
        beginning.open()
        await again.reached.wait()
        ending = FinalState(Outcome(Status.FAILED, "by hand"), system_now())
        await engine.store.finalize_run(run.id, owner=None, ending=ending)

        again.open()

        assert [record.seq for record in await reading] == [1]
        assert topic.run == await engine.store.get_run(run.id)


async def test_a_log_that_cannot_be_encoded_fails_its_run_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_engine(tmp_path, declare("one", steps=("a",)), declare("two", steps=("b",))) as engine:
        first = await engine.manager.start_run("one")
        second = await engine.manager.start_run("two")
        one, two = await engine.executor.step("a"), await engine.executor.step("b")
        active = engine.registry.find(first.id)
        assert active is not None

        def refuse(max_bytes: int) -> None:
            raise TypeError("no JSON for this")

        monkeypatch.setattr(active.channel, "take", refuse)
        await one.context.log("x")
        await two.context.log("y")
        two.end()

        assert (await engine.end_of(second.id)).status is Status.COMPLETED
        assert (await engine.end_of(first.id)).error_message == "the log could not be written"
        assert one.stop_requested.is_set()
        assert (await engine.store.get_run(first.id)).status is Status.FAILED


async def test_a_run_waits_for_a_locked_store_before_it_starts_its_step(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        engine.faults.fail("commit", StoreUnavailable("locked"))
        engine.faults.fail_after("commit", StoreUnavailable("the answer was lost"))

        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()

        ended = await engine.end_of(run.id)
        assert ended.status is Status.COMPLETED
        assert ended.started_at is not None
