"""Starts that join the active run, if it will do their work."""

from pathlib import Path

import pytest

from solorun.errors import RunActive
from solorun.queueing import ConflictPolicy, StartResult
from solorun.status import Status
from tests.fakes.engine import declare, open_engine
from tests.fakes.steps import ScriptedExecutor


async def test_a_join_returns_the_active_run_if_it_will_do_the_work(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        active = await engine.manager.start_run("handbook")

        joined = await engine.manager.submit_run("handbook", scope="review", on_conflict=ConflictPolicy.JOIN)

        assert (joined.run.id, joined.result) == (active.id, StartResult.JOINED)
        assert len(await engine.store.list_runs()) == 1


async def test_a_join_of_a_free_project_starts_a_run(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        submission = await engine.manager.submit_run("handbook", on_conflict=ConflictPolicy.JOIN)

        assert (submission.result, submission.run.status) == (StartResult.STARTED, Status.PENDING)


async def test_a_join_is_refused_with_the_steps_that_would_be_missing(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        active = await engine.manager.start_run("handbook", scope="from:generate")

        with pytest.raises(RunActive, match=f"cannot be joined: extract will not be executed by run {active.id}"):
            await engine.manager.start_run("handbook", on_conflict=ConflictPolicy.JOIN)


async def test_a_join_is_refused_with_the_steps_that_the_run_is_past(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        active = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()
        await engine.executor.step("generate")
        handle = engine.registry.find(active.id)
        assert handle is not None
        await engine.until(lambda: handle.run.steps[0].status.has_ended)

        with pytest.raises(RunActive, match=f"cannot be joined: run {active.id} is already past extract"):
            await engine.manager.start_run("handbook", on_conflict=ConflictPolicy.JOIN)


async def test_a_join_is_refused_when_the_parameters_differ_or_the_run_is_being_stopped(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(params=("date",)), executor=ScriptedExecutor(unkillable=True)) as engine:
        active = await engine.manager.start_run("handbook", params={"date": "1 May"})
        work = await engine.executor.step("extract")

        with pytest.raises(RunActive, match="its parameters differ"):
            await engine.manager.start_run("handbook", on_conflict=ConflictPolicy.JOIN)

        await engine.manager.cancel_run(active.id)
        with pytest.raises(RunActive, match=f"run {active.id} is being stopped"):
            await engine.manager.start_run("handbook", params={"date": "1 May"}, on_conflict=ConflictPolicy.JOIN)
        work.end()


async def test_each_refusal_describes_its_own_start(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(params=("date",))) as engine:
        await engine.manager.start_run("handbook", scope="from:generate", params={"date": "1 May"})

        described = []
        for scope, date in (("review", "1 May"), ("review", "2 May"), ("full", "1 May"), ("review", "1 May")):
            with pytest.raises(RunActive) as refusal:
                await engine.manager.start_run("handbook", scope=scope, params={"date": date})
            assert refusal.value.choices is not None
            described.append(refusal.value.choices.join.possible)

        assert described == [True, False, False, True]
