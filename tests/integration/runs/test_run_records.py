"""What a run logs and what becomes of its records: positions, counts, artifacts, and the end."""

import asyncio
import gc
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from solorun.logs import Channel
from solorun.record import Event, Stream
from solorun.status import Status
from tests.fakes.engine import declare, open_engine
from tests.fakes.steps import ScriptedStep


async def test_the_run_has_the_first_and_last_seq_of_each_step(tmp_path: Path) -> None:
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


async def test_the_run_has_its_progress_and_its_counts(tmp_path: Path) -> None:
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


async def test_artifacts_of_a_step_are_logged_when_it_ends(tmp_path: Path) -> None:
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


async def test_the_service_logs_the_start_and_the_end_of_every_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="solorun.execution")
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook", triggered_by="nightly")
        (await engine.executor.step("extract")).end("exit code 3", 3)
        await engine.end_of(run.id)
        await engine.until(lambda: len(engine.registry) == 0)

    assert [entry.getMessage() for entry in caplog.records if entry.name == "solorun.execution"] == [
        "Run 1 of handbook: started by nightly, scope full",
        "Run 1 of handbook: failed: extract: exit code 3",
    ]


async def test_a_value_of_a_string_subclass_is_recorded(tmp_path: Path) -> None:
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


async def test_a_task_that_a_step_left_running_cannot_write_after_the_end(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        step.end()
        ended = await engine.end_of(run.id)

        await step.context.log("too late")
        await step.context.progress(1, 2)
        await asyncio.sleep(0)

        assert (await engine.store.get_run(run.id)).last_seq == ended.last_seq


async def test_the_service_logs_to_a_separate_stream(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.context.log("mine")
        step.end()
        await engine.end_of(run.id)

        records = await engine.log_of(run.id)

        assert [record.stream for record in records] == [Stream.SOLORUN, Stream.STEP, Stream.SOLORUN]


@pytest.mark.parametrize("count", [1, 50])
async def test_an_ended_run_is_removed_from_memory(tmp_path: Path, count: int) -> None:
    projects = [declare(f"p{number}", steps=(f"s{number}",)) for number in range(count)]
    async with open_engine(tmp_path, *projects) as engine:
        runs = [await engine.manager.start_run(project.name) for project in projects]
        channels = [weakref.ref(handle.channel) for handle in engine.registry]
        steps = [await engine.executor.step(project.steps[0].name) for project in projects]
        list(map(ScriptedStep.end, steps))
        await asyncio.gather(*(engine.end_of(run.id) for run in runs))

        await engine.until(lambda: len(engine.registry) == 0)

        assert engine.manager.list_active_runs() == []
        assert engine.hub.find(runs[0].id) is None
        steps.clear()
        engine.executor.begun.clear()
        await engine.until(lambda: _are_freed(channels))


def _are_freed(objects: list["weakref.ref[Channel]"]) -> bool:
    gc.collect()
    return not any(reference() for reference in objects)


async def test_a_secret_that_refers_to_the_environment_is_masked(tmp_path: Path) -> None:
    project = replace(declare(steps=("extract",), secrets=("API_KEY",)), env={"API_KEY": "key-${PART}"})
    async with open_engine(tmp_path, project, environ={"PART": "horse"}) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.context.log("key-horse")
        step.end()
        await engine.end_of(run.id)

        assert "key-horse" not in str(await engine.log_of(run.id))
