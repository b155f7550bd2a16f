"""Starts: exclusion, validation, and callers that leave."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from solorun.errors import (
    InvalidRequest,
    ProjectNotFound,
    RunActive,
    ServiceDraining,
    StoreUnavailable,
)
from solorun.run import Run
from solorun.status import Status, StepStatus
from tests.fakes.engine import declare, noting_limits, open_engine, pass_limit
from tests.fakes.patience import PATIENCE_SECONDS


async def test_a_thousand_simultaneous_starts_give_one_run_and_999_conflicts_that_name_it(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        starts = [engine.manager.start_run("handbook") for _ in range(1000)]

        answers = await asyncio.gather(*starts, return_exceptions=True)

        started = [answer for answer in answers if isinstance(answer, Run)]
        named = Counter(answer.active_run.id for answer in answers if isinstance(answer, RunActive))
        assert len(started) == 1
        assert named == {started[0].id: 999}
        assert len(await engine.store.list_runs(limit=1000)) == 1


async def test_a_started_run_is_pending_with_its_steps_and_parameters(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(params=("date",))) as engine:
        run = await engine.manager.start_run(
            "handbook", scope="from:generate", triggered_by="nightly", params={"date": "2026-11-23"}
        )

        assert (run.status, run.scope, run.triggered_by) == (Status.PENDING, "from:generate", "nightly")
        assert run.params == {"date": "2026-11-23"}
        assert [step.name for step in run.steps] == ["generate", "review"]


async def test_projects_do_not_exclude_each_other(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare("one"), declare("two")) as engine:
        first = await engine.manager.start_run("one")
        second = await engine.manager.start_run("two")

        assert {run.id for run in engine.manager.list_active_runs()} == {first.id, second.id}


async def test_ids_increase_across_all_projects(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare("one", steps=("a",)), declare("two", steps=("b",))) as engine:
        first = await engine.manager.start_run("one")
        second = await engine.manager.start_run("two")
        (await engine.executor.step("a")).end()
        await engine.end_of(first.id)

        third = await engine.manager.start_run("one")

        assert first.id < second.id < third.id


async def test_the_next_start_works_as_soon_as_the_end_is_published(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        first = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()
        await engine.end_of(first.id)

        second = await engine.manager.start_run("handbook")

        assert second.id > first.id


@pytest.mark.parametrize("scope", ["everything", "from:", "from:full", "from:nothing", "", "FULL", "extract ", "from"])
async def test_an_unknown_scope_is_refused_and_no_run_is_created(tmp_path: Path, scope: str) -> None:
    async with open_engine(tmp_path) as engine:
        with pytest.raises(InvalidRequest) as caught:
            await engine.manager.start_run("handbook", scope=scope)

        assert [fault.pointer for fault in caught.value.errors] == ["/scope"]
        assert await engine.store.list_runs() == []


@pytest.mark.parametrize(
    ("scope", "executed"),
    [
        ("full", ["extract", "generate", "review"]),
        ("generate", ["generate"]),
        ("from:generate", ["generate", "review"]),
    ],
)
async def test_a_scope_executes_its_steps_in_order(tmp_path: Path, scope: str, executed: list[str]) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook", scope=scope)

        for name in executed:
            (await engine.executor.step(name)).end()
        ended = await engine.end_of(run.id)

        assert ended.status is Status.COMPLETED
        assert [step.context.name for step in engine.executor.begun] == executed
        assert {step.status for step in ended.steps} == {StepStatus.COMPLETED}


@pytest.mark.parametrize("triggered_by", ["", "x" * 65, "two\nlines"])
async def test_triggered_by_must_be_a_short_word(tmp_path: Path, triggered_by: str) -> None:
    async with open_engine(tmp_path) as engine:
        with pytest.raises(InvalidRequest) as caught:
            await engine.manager.start_run("handbook", triggered_by=triggered_by)

        assert [fault.pointer for fault in caught.value.errors] == ["/triggered_by"]


async def test_all_errors_of_a_start_are_reported_together(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        with pytest.raises(InvalidRequest) as caught:
            await engine.manager.start_run("handbook", scope="no", triggered_by="", params={"no": "x"})

        assert {fault.pointer for fault in caught.value.errors} == {"/scope", "/triggered_by", "/params/no"}


async def test_an_unknown_project_is_not_found(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        with pytest.raises(ProjectNotFound):
            await engine.manager.start_run("nothing")


async def test_a_start_whose_caller_left_is_decided_as_if_it_had_waited(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        gate = engine.faults.hold("insert_run")
        caller = asyncio.create_task(engine.manager.start_run("handbook"))
        await gate.reached.wait()

        caller.cancel()
        gate.open()

        step = await engine.executor.step("extract")
        assert (await engine.manager.get_current_run("handbook")).id == step.context.run_id


async def test_a_start_that_waits_too_long_for_its_write_starts_no_step(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        gate = engine.faults.hold_after("insert_run")

        with pytest.raises(StoreUnavailable, match="may appear later as a failed or cancelled run"):
            await pass_limit(gate, engine.manager.start_run("handbook"))
        gate.open()

        ended = await engine.end_of(1)
        assert ended.status is Status.FAILED
        assert ended.finished_at is not None
        assert engine.executor.begun == []


async def test_a_start_that_waited_too_long_behind_others_names_the_active_run(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare("handbook"), declare("other")) as engine:
        first, second = engine.faults.hold("insert_run"), engine.faults.hold("insert_run")
        winner = asyncio.create_task(engine.manager.start_run("handbook"))
        await first.reached.wait()
        with noting_limits() as limits:
            slow = asyncio.create_task(engine.manager.start_run("other"))
            late = asyncio.create_task(engine.manager.start_run("handbook"))
            await engine.until(lambda: len(limits) == 2)
        first.open()
        await winner
        await second.reached.wait()

        for limit in limits:
            limit.reschedule(0)

        with pytest.raises(RunActive) as refusal:
            await late
        assert refusal.value.active_run.id == (await winner).id
        with pytest.raises(StoreUnavailable):
            await slow
        second.open()


async def test_a_start_that_was_committed_despite_an_error_is_settled_and_frees_the_project(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        engine.faults.fail_after("insert_run", StoreUnavailable("the answer was lost"))

        with pytest.raises(StoreUnavailable):
            await engine.manager.start_run("handbook")

        assert (await engine.end_of(1)).status is Status.FAILED
        assert (await engine.manager.start_run("handbook")).id == 2


async def test_a_start_that_finds_a_row_without_a_task_settles_it_and_continues(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        engine.faults.fail_after("insert_run", StoreUnavailable("the answer was lost"))
        engine.faults.fail("find_active_run", StoreUnavailable("still not back"))
        with pytest.raises(StoreUnavailable):
            await engine.manager.start_run("handbook")

        run = await engine.manager.start_run("handbook")

        assert run.id == 2
        assert (await engine.store.get_run(1)).status is Status.FAILED


async def test_a_start_after_the_drain_began_is_refused(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        await engine.manager.drain(PATIENCE_SECONDS)

        with pytest.raises(ServiceDraining):
            await engine.manager.start_run("handbook")


async def test_a_start_in_progress_when_the_drain_begins_is_interrupted(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        gate = engine.faults.hold("insert_run")
        start = asyncio.create_task(engine.manager.start_run("handbook"))
        await gate.reached.wait()
        drain = asyncio.create_task(engine.manager.drain(PATIENCE_SECONDS))
        await asyncio.sleep(0)

        gate.open()
        await drain

        run = await start
        assert (await engine.store.get_run(run.id)).status is Status.INTERRUPTED
        assert engine.executor.begun == []


async def test_a_run_whose_task_cannot_be_started_fails_and_its_followers_get_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_engine(tmp_path) as engine:
        spawn = engine.tasks.spawn

        def refuse_runs(work: Coroutine[Any, Any, object], *, name: str) -> asyncio.Task[object]:
            if name.startswith("run "):
                work.close()
                raise RuntimeError("no task today")
            return spawn(work, name=name)

        monkeypatch.setattr(engine.tasks, "spawn", refuse_runs)

        with pytest.raises(RuntimeError, match="no task today"):
            await engine.manager.start_run("handbook")

        ended = await engine.end_of(1)
        assert ended.status is Status.FAILED
        assert ended.error_message == "RuntimeError: no task today"
        assert ended.finished_at is not None
        assert {step.status for step in ended.steps} == {StepStatus.SKIPPED}


async def test_a_conflict_estimates_when_to_retry_from_the_durations_of_earlier_runs(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        first = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()
        await engine.end_of(first.id)
        await engine.manager.start_run("handbook")
        await engine.executor.step("extract")
        active = engine.registry.find_by_project("handbook")
        assert active is not None
        async with asyncio.timeout(60):
            while active.estimated_seconds is None:
                await asyncio.sleep(0)

        with pytest.raises(RunActive) as caught:
            await engine.manager.start_run("handbook")

        assert caught.value.retry_after_seconds == 1.0
