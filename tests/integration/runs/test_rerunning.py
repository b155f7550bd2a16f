"""Reruns: ordinary starts that repeat an ended run and say which one."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from solorun.errors import (
    FieldError,
    InvalidRequest,
    ProjectNotFound,
    RunActive,
    RunNotEnded,
    RunNotFound,
    ServiceDraining,
)
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.status import Status, StepStatus
from solorun.wire.runs import SkippedStep
from tests.contracts.builders import end, read_all, start
from tests.fakes.engine import Engine, declare, open_engine
from tests.fakes.patience import PATIENCE_SECONDS

COMPLETED, FAILED = StepStatus.COMPLETED, StepStatus.FAILED


async def _end(engine: Engine, run: Run, *completed: str, failed: str | None = None) -> Run:
    """Let the run's steps complete one after another, and then one fail."""
    for name in completed:
        (await engine.executor.step(name)).end()
    if failed is not None:
        (await engine.executor.step(failed)).end("exit code 1", 1)
    return await engine.end_of(run.id)


async def _rerun(engine: Engine, run_id: int, **options: Any) -> Run:
    return (await engine.manager.reruns.start(run_id, **options)).run


async def _fail(engine: Engine, *completed: str, failed: str) -> Run:
    return await _end(engine, await engine.manager.start_run("handbook"), *completed, failed=failed)


async def test_a_rerun_from_the_failed_step_runs_the_rest_and_names_its_run(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        original = await _fail(engine, "extract", failed="generate")

        rerun = await _rerun(engine, original.id, from_step="failed", triggered_by="cli")
        ended = await _end(engine, rerun, "generate", "review")

        assert (rerun.status, rerun.scope, rerun.triggered_by) == (Status.PENDING, "from:generate", "cli")
        assert (ended.status, ended.rerun_of) == (Status.COMPLETED, original.id)
        assert [step.name for step in ended.steps] == ["generate", "review"]
        assert await engine.store.list_runs(rerun_of=original.id) == [ended]


async def test_a_step_knows_which_run_its_run_repeats(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        original = await _fail(engine, failed="extract")

        await _rerun(engine, original.id)
        await engine.executor.step("extract")

        assert [step.context.rerun_of for step in engine.executor.begun] == [None, original.id]


async def test_a_rerun_has_the_parameters_of_its_run_and_those_that_replace_them(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",), params=("date", "tone"))) as engine:
        run = await engine.manager.start_run("handbook", params={"date": "monday", "tone": "dry"})
        await _end(engine, run, "extract")

        rerun = await _rerun(engine, run.id, params={"tone": "warm"})

        assert rerun.params == {"date": "monday", "tone": "warm"}
        assert (await engine.executor.step("extract")).context.params == {"date": "monday", "tone": "warm"}


async def test_a_secret_parameter_has_to_be_given_again(tmp_path: Path) -> None:
    project = declare(steps=("extract",), params=("key",), secrets=("API_KEY",), env={"API_KEY": "hunter2-hunter2"})
    async with open_engine(tmp_path, project) as engine:
        run = await engine.manager.start_run("handbook", params={"key": "hunter2-hunter2"})
        await _end(engine, run, "extract")

        with pytest.raises(InvalidRequest) as caught:
            await _rerun(engine, run.id)
        preview = await engine.manager.reruns.preview(run.id, from_step="start")
        rerun = await _rerun(engine, run.id, params={"key": "hunter2-hunter2"})

        [fault] = caught.value.errors
        assert fault == FieldError("/params/key", f"is secret and was not kept by run {run.id}; give it again")
        assert preview.missing_params == ("key",)
        assert rerun.params == {"key": "***"}
        assert (await engine.executor.step("extract")).context.params == {"key": "hunter2-hunter2"}


async def test_a_rerun_is_refused_while_its_run_or_another_one_is_active(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        original = await engine.manager.start_run("handbook")

        with pytest.raises(RunNotEnded) as itself:
            await _rerun(engine, original.id)
        await _end(engine, original, failed="extract")
        other = await engine.manager.start_run("handbook")
        with pytest.raises(RunActive) as another:
            await _rerun(engine, original.id)

        assert itself.value.run.id == original.id
        assert another.value.active_run.id == other.id


async def test_a_queued_rerun_still_names_its_run_after_a_restart(tmp_path: Path) -> None:
    projects = (declare(steps=("extract",)),)
    async with open_engine(tmp_path, *projects, drain=False) as engine:
        original = await _fail(engine, failed="extract")
        await engine.manager.start_run("handbook")
        queued = await _rerun(engine, original.id, on_conflict=ConflictPolicy.QUEUE)
        await engine.executor.step("extract")

    async with open_engine(tmp_path, *projects, owner="the next start") as engine:
        step = await engine.executor.step("extract")

        assert (queued.status, queued.rerun_of) == (Status.QUEUED, original.id)
        assert (step.context.run_id, step.context.rerun_of) == (queued.id, original.id)


async def test_a_rerun_of_an_unknown_run_or_project_is_refused(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        original = await _fail(engine, failed="extract")
        del engine.projects.projects["handbook"]

        with pytest.raises(RunNotFound):
            await _rerun(engine, original.id + 1)
        with pytest.raises(ProjectNotFound):
            await _rerun(engine, original.id)
        with pytest.raises(ProjectNotFound):
            await engine.manager.reruns.preview(original.id, from_step="start")


async def test_a_rerun_is_refused_while_draining(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        original = await _fail(engine, failed="extract")
        await engine.manager.drain(PATIENCE_SECONDS)

        with pytest.raises(ServiceDraining):
            await _rerun(engine, original.id)


async def test_an_interrupted_run_is_repeated_from_the_interrupted_step(tmp_path: Path) -> None:
    async with open_engine(tmp_path, drain=False) as engine:
        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()
        await engine.executor.step("generate")
        await engine.manager.drain(PATIENCE_SECONDS)

    async with open_engine(tmp_path, owner="the next start") as engine:
        rerun = await _rerun(engine, run.id, from_step="failed")

        assert rerun.scope == "from:generate"


async def test_a_preview_names_the_run_behind_each_result_and_starts_nothing(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        first = await _fail(engine, "extract", failed="generate")
        second = await _end(engine, await _rerun(engine, first.id, from_step="failed"), "generate", failed="review")

        preview = await engine.manager.reruns.preview(second.id, from_step="failed")

        assert (preview.rerun_of, preview.project, preview.scope) == (second.id, "handbook", "from:review")
        assert preview.steps == ("review",)
        assert preview.skipped == (
            SkippedStep("extract", first.id, COMPLETED),
            SkippedStep("generate", second.id, COMPLETED),
        )
        assert preview.latest_run_id == second.id
        assert len(await engine.store.list_runs()) == 2


async def test_a_preview_says_how_the_latest_attempt_of_a_skipped_step_ended(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        first = await _fail(engine, "extract", "generate", failed="review")
        second = await _end(engine, await _rerun(engine, first.id, from_step="generate"), failed="generate")

        preview = await engine.manager.reruns.preview(second.id, from_step="review")

        assert preview.skipped == (
            SkippedStep("extract", first.id, COMPLETED),
            SkippedStep("generate", second.id, FAILED),
        )


async def test_a_preview_names_the_workers_that_have_the_results(tmp_path: Path) -> None:
    async with open_engine(tmp_path, owner="red") as engine:
        first = await _fail(engine, "extract", failed="generate")
    async with open_engine(tmp_path, owner="blue") as engine:
        second = await _end(engine, await _rerun(engine, first.id, from_step="failed"), "generate", failed="review")
        manager = replace(engine.manager, shares_files=False)

        preview = await manager.reruns.preview(second.id, from_step="review")
        from_start = await manager.reruns.preview(second.id, from_step="start")

        assert (preview.results_on, from_start.results_on) == (("red", "blue"), ("red",))
        assert (await engine.manager.reruns.preview(second.id, from_step="review")).results_on == ()


async def test_a_rerun_warns_that_the_files_of_its_run_are_elsewhere(tmp_path: Path) -> None:
    async with open_engine(tmp_path, owner="red") as engine:
        run = await _fail(engine, "extract", failed="generate")
        with_files = await _end(engine, await _rerun(engine, run.id, from_step="failed"), failed="generate")
        shutil.rmtree(tmp_path / "artifacts")
        whole = await _end(engine, await _rerun(engine, run.id), failed="extract")
        without = await _end(engine, await _rerun(engine, run.id, from_step="failed"), failed="generate")

        assert [each.level_counts.warning for each in (with_files, whole, without)] == [0, 0, 1]
        messages = [record.message for record in await read_all(engine.store, without.id)]
        assert any(
            each.startswith(f"the files of run {run.id} are not here, because red executed") for each in messages
        )


async def test_a_preview_shows_steps_that_no_run_of_the_lineage_executed(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook", scope="from:generate")
        await _end(engine, run, failed="generate")

        preview = await engine.manager.reruns.preview(run.id, from_step="review")

        assert preview.skipped == (SkippedStep("extract"), SkippedStep("generate", run.id, FAILED))


async def test_a_preview_of_a_complete_rerun_skips_nothing(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await _fail(engine, "extract", failed="generate")

        preview = await engine.manager.reruns.preview(run.id, from_step="start")

        assert (preview.scope, preview.steps, preview.skipped) == ("full", ("extract", "generate", "review"), ())


async def test_a_preview_names_a_later_run_that_may_have_changed_the_workspace(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await _fail(engine, "extract", failed="generate")
        later = await _fail(engine, "extract", failed="generate")

        preview = await engine.manager.reruns.preview(run.id, from_step="failed")

        assert preview.skipped == (SkippedStep("extract", run.id, COMPLETED),)
        assert preview.latest_run_id == later.id


async def test_a_preview_ends_its_search_at_a_run_that_was_deleted(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(params=("date", "documents"))) as engine:
        run = await start(engine.store, rerun_of=4711)
        await end(engine.store, run, Status.FAILED)

        preview = await engine.manager.reruns.preview(run.id, from_step="review")

        assert preview.skipped == (SkippedStep("extract"), SkippedStep("generate"))


async def test_a_preview_looks_for_results_through_at_most_a_hundred_runs(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await _fail(engine, "extract", failed="generate")
        for _ in range(99):
            run = await _end(engine, await _rerun(engine, run.id, from_step="failed"), failed="generate")
        found = await engine.manager.reruns.preview(run.id, from_step="failed")
        run = await _end(engine, await _rerun(engine, run.id, from_step="failed"), failed="generate")

        lost = await engine.manager.reruns.preview(run.id, from_step="failed")

        assert [step.status for step in (*found.skipped, *lost.skipped)] == [COMPLETED, None]
