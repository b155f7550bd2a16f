import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from solorun.errors import SolorunError, StoreCorrupted, StoreFailure, StoreUnavailable
from solorun.outcome import Outcome
from solorun.record import Event, Level, Stream
from solorun.status import ACTIVE, Status, StepStatus
from solorun.store import FinalState
from tests.fakes.engine import declare, open_engine, system_now
from tests.fakes.steps import ScriptedExecutor, ScriptedStep


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


async def test_a_step_knows_where_its_records_begin_and_end(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract", "generate"))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.context.log("one")
        step.end()
        (await engine.executor.step("generate")).end()

        ended = await engine.end_of(run.id)
        records = await engine.log_of(run.id)

        first, second = ended.steps
        assert (first.first_seq, first.last_seq) == (1, 3)
        assert (second.first_seq, second.last_seq) == (4, 5)
        assert {record.step for record in records[:3]} == {"extract"}


async def test_progress_and_counts_become_the_runs_own(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.context.progress(3, 20, "photon")
        await step.context.log("bad", level="error")
        await step.context.log("odd", level="nonsense")
        topic = engine.hub.find(run.id)
        assert topic is not None
        await topic.wait_after(3)

        now = await engine.manager.get_run(run.id)

        assert (now.progress_current, now.progress_total, now.progress_item) == (3, 20, "photon")
        assert now.first_error_seq == 3
        assert (now.level_counts.info, now.level_counts.error) == (3, 1)
        assert now.current_step == "extract"


async def test_an_error_of_the_service_fails_the_run_with_its_traceback_in_the_log(tmp_path: Path) -> None:
    executor = ScriptedExecutor()
    executor.start_error = OSError("no pipes left in /var/lib/secret/place")
    async with open_engine(tmp_path, executor=executor) as engine:
        run = await engine.manager.start_run("handbook")

        ended = await engine.end_of(run.id)
        records = await engine.log_of(run.id)

        assert ended.status is Status.FAILED
        assert ended.error_message == "internal error: OSError: no pipes left in place"
        assert ended.steps[0].status is StepStatus.FAILED
        assert any("Traceback" in record.message and record.level is Level.ERROR for record in records)


async def test_a_run_that_takes_too_long_has_failed_for_that_reason(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(timeout_seconds=0.05)) as engine:
        run = await engine.manager.start_run("handbook")

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.FAILED, "the run timed out after 50ms")


async def test_a_step_that_takes_too_long_fails_the_run_whatever_its_exit(tmp_path: Path) -> None:
    executor = ScriptedExecutor(unkillable=True)
    async with open_engine(tmp_path, declare(step_timeout_seconds=0.05), executor=executor) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.told.wait()
        step.end(exit_code=0)

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.FAILED, "extract timed out after 50ms")
        assert ended.steps[0].error_message == "timed out after 50ms"


async def test_the_log_reports_a_time_out_once(tmp_path: Path) -> None:
    executor = ScriptedExecutor(unkillable=True)
    async with open_engine(tmp_path, declare(step_timeout_seconds=0.05), executor=executor) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.told.wait()
        step.end("killed by SIGTERM", -15)
        ended = await engine.end_of(run.id)

        messages = [record.message for record in await engine.log_of(run.id)]

        assert messages[-2:] == ["stopping extract (grace 10s)", "extract failed: timed out after 50ms"]
        assert ended.steps[0].exit_code is None


async def test_a_cancel_after_a_time_out_does_not_change_the_reason(tmp_path: Path) -> None:
    executor = ScriptedExecutor(unkillable=True)
    async with open_engine(tmp_path, declare(timeout_seconds=0.05), executor=executor) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.told.wait()

        await engine.manager.cancel_run(run.id)
        step.end()

        assert (await engine.end_of(run.id)).status is Status.FAILED


async def test_a_final_write_that_fails_is_tried_again_and_never_becomes_a_failure(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        engine.faults.fail("commit", StoreUnavailable("disk full"), StoreUnavailable("disk full"))

        step.end()

        assert (await engine.end_of(run.id)).status is Status.COMPLETED


async def test_an_ending_that_was_committed_though_it_raised_is_a_success(tmp_path: Path) -> None:
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


async def test_nobody_hears_of_an_end_that_is_not_written(tmp_path: Path) -> None:
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
async def test_a_log_that_the_database_refuses_harms_no_other_run(tmp_path: Path, error: type[SolorunError]) -> None:
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


async def test_a_run_that_was_ended_by_somebody_else_stops_its_work_and_shows_that_ending(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        ending = FinalState(Outcome(Status.INTERRUPTED, "by hand"), system_now())
        await engine.store.finalize_run(run.id, owner=None, expected=ACTIVE, ending=ending)

        await step.context.log("still here")
        await step.told.wait()

        ended = await engine.end_of(run.id)
        assert (ended.status, ended.error_message) == (Status.INTERRUPTED, "by hand")


async def test_nothing_works_for_a_run_that_was_ended_by_somebody_else_before_it_began(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        beginning = engine.faults.hold("commit")
        run = await engine.manager.start_run("handbook")
        await beginning.reached.wait()
        ending = FinalState(Outcome(Status.FAILED, "by hand"), system_now())
        await engine.store.finalize_run(run.id, owner=None, expected=ACTIVE, ending=ending)

        beginning.open()

        ended = await engine.end_of(run.id)
        assert (ended.status, ended.error_message) == (Status.FAILED, "by hand")
        assert engine.executor.begun == []


async def test_row_and_stream_agree_on_a_run_that_ends_before_its_beginning_is_written(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare("one"), declare("two")) as engine:
        await engine.manager.start_run("one")
        one = await engine.executor.step("extract")
        gate = engine.faults.hold("commit")
        await one.context.log("x")
        await gate.reached.wait()
        (tmp_path / "artifacts").rename(tmp_path / "moved")
        (tmp_path / "artifacts").touch()  # so that no directory can be made for the run
        run = await engine.manager.start_run("two")
        active = engine.registry.find(run.id)
        assert active is not None
        await engine.until(lambda: active.channel.is_closed)
        told = asyncio.create_task(engine.end_of(run.id))
        await asyncio.sleep(0)

        gate.open()

        ended = await told
        assert (ended.status, ended.started_at) == (Status.FAILED, ended.steps[0].started_at)
        assert await engine.store.get_run(run.id) == ended


async def test_what_was_written_before_somebody_else_ended_the_run_is_shown_too(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        beginning = engine.faults.hold("commit")
        run = await engine.manager.start_run("handbook")
        told = asyncio.create_task(engine.log_of(run.id))
        topic = engine.hub.find(run.id)
        assert topic is not None
        await beginning.reached.wait()
        engine.faults.fail_after("commit", StoreUnavailable("the answer was lost"))
        again = engine.faults.hold("commit")
        beginning.open()
        await again.reached.wait()
        ending = FinalState(Outcome(Status.FAILED, "by hand"), system_now())
        await engine.store.finalize_run(run.id, owner=None, expected=ACTIVE, ending=ending)

        again.open()

        assert [record.seq for record in await told] == [1]
        assert topic.run == await engine.store.get_run(run.id)


async def test_a_log_that_cannot_be_encoded_fails_its_run_and_harms_no_other(
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
        assert one.told.is_set()
        assert (await engine.store.get_run(first.id)).status is Status.FAILED


async def test_a_start_of_work_that_meets_a_locked_store_waits_for_it(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        engine.faults.fail("commit", StoreUnavailable("locked"))
        engine.faults.fail_after("commit", StoreUnavailable("the answer was lost"))

        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()

        ended = await engine.end_of(run.id)
        assert ended.status is Status.COMPLETED
        assert ended.started_at is not None


async def test_files_that_a_step_left_are_told_when_it_ends(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        (step.context.artifacts / "tables").mkdir()
        (step.context.artifacts / "tables" / "terms.csv").write_text("a,b\n")
        step.end()
        await engine.end_of(run.id)

        records = await engine.log_of(run.id)

        assert [record.data for record in records if record.event is Event.ARTIFACT] == [
            {"name": "tables/terms.csv", "size_bytes": 4}
        ]


async def test_a_secret_that_refers_to_the_environment_is_masked(tmp_path: Path) -> None:
    project = replace(declare(steps=("extract",), secrets=("API_KEY",)), env={"API_KEY": "key-${PART}"})
    async with open_engine(tmp_path, project, environ={"PART": "horse"}) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.context.log("key-horse")
        step.end()
        await engine.end_of(run.id)

        assert "key-horse" not in str(await engine.log_of(run.id))


async def test_a_secret_in_the_name_of_a_file_is_masked_in_the_log(tmp_path: Path) -> None:
    project = declare(steps=("extract",), secrets=("API_KEY",))
    async with open_engine(tmp_path, project, environ={"API_KEY": "correct-horse"}) as engine:
        run = await engine.manager.start_run("handbook", triggered_by="correct-horse")
        step = await engine.executor.step("extract")
        (step.context.artifacts / "correct-horse.txt").touch()
        step.end()
        ended = await engine.end_of(run.id)

        assert ended.triggered_by == "***"
        assert "correct-horse" not in str(await engine.log_of(run.id))


async def test_the_service_log_reports_every_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="solorun.execution")
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook", triggered_by="nightly")
        (await engine.executor.step("extract")).end("exit code 3", 3)
        await engine.end_of(run.id)
        await engine.until(lambda: len(engine.registry) == 0)

    assert caplog.messages == [
        "Run 1 of handbook: started by nightly, scope full",
        "Run 1 of handbook: failed: extract: exit code 3",
    ]


async def test_a_text_that_only_looks_like_one_is_recorded(tmp_path: Path) -> None:
    class Text(str):
        def __str__(self) -> str:
            return self

    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        await step.context.log(Text("hello"))
        step.end()

        assert (await engine.end_of(run.id)).status is Status.COMPLETED
        assert "hello" in [record.message for record in await engine.log_of(run.id)]


async def test_what_a_step_leaves_behind_cannot_write_after_the_end(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        step.end()
        ended = await engine.end_of(run.id)

        await step.context.log("too late")
        await step.context.progress(1, 2)
        await asyncio.sleep(0)

        assert (await engine.store.get_run(run.id)).last_seq == ended.last_seq


async def test_the_service_speaks_in_its_own_stream(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.context.log("mine")
        step.end()
        await engine.end_of(run.id)

        records = await engine.log_of(run.id)

        assert [record.stream for record in records] == [Stream.SOLORUN, Stream.STEP, Stream.SOLORUN]


@pytest.mark.parametrize("count", [1, 50])
async def test_an_ended_run_is_forgotten_by_memory(tmp_path: Path, count: int) -> None:
    projects = [declare(f"p{number}", steps=(f"s{number}",)) for number in range(count)]
    async with open_engine(tmp_path, *projects) as engine:
        runs = [await engine.manager.start_run(project.name) for project in projects]
        steps = [await engine.executor.step(project.steps[0].name) for project in projects]
        list(map(ScriptedStep.end, steps))
        await asyncio.gather(*(engine.end_of(run.id) for run in runs))

        await engine.until(lambda: len(engine.registry) == 0)

        assert engine.manager.list_active_runs() == []
        assert engine.hub.find(runs[0].id) is None
        assert engine.writer.pending_lanes == 0
