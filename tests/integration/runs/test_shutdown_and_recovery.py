"""Draining an engine, and what the next start does with the runs of the last."""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from solorun.errors import StoreFailure, StoreUnavailable
from solorun.projects import Catalog
from solorun.record import Level
from solorun.service import Service
from solorun.settings import Settings
from solorun.status import Status, StepStatus
from tests.contracts.builders import new_run
from tests.fakes.engine import EngineLimits, declare, open_engine
from tests.fakes.patience import PATIENCE_SECONDS
from tests.fakes.project_toml import project_toml
from tests.fakes.steps import ScriptedExecutor


async def test_a_drain_interrupts_active_runs(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        await engine.executor.step("extract")

        await engine.manager.drain(PATIENCE_SECONDS)

        ended = await engine.store.get_run(run.id)
        assert (ended.status, ended.error_message) == (Status.INTERRUPTED, "the service was shut down")
        assert ended.steps[0].status is StepStatus.INTERRUPTED


async def test_a_run_that_was_being_cancelled_before_the_drain_becomes_cancelled(tmp_path: Path) -> None:
    executor = ScriptedExecutor(unkillable=True)
    async with open_engine(tmp_path, declare(cancel_grace_seconds=600), executor=executor) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await engine.manager.cancel_run(run.id)
        await step.stop_requested.wait()

        drain = asyncio.create_task(engine.manager.drain(PATIENCE_SECONDS))
        async with asyncio.timeout(60):
            while len(step.graces) < 2:
                await asyncio.sleep(0)
        step.end()
        await drain

        assert (await engine.store.get_run(run.id)).status is Status.CANCELLED
        assert step.graces == [600, PATIENCE_SECONDS - 2]


async def test_a_drain_shortens_graces_to_fit_its_limit(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(cancel_grace_seconds=600)) as engine:
        await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        await engine.manager.drain(PATIENCE_SECONDS)

        assert step.graces == [PATIENCE_SECONDS - 2]


async def test_a_run_that_fails_during_the_drain_is_interrupted(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        drain = asyncio.create_task(engine.manager.drain(PATIENCE_SECONDS))
        await asyncio.sleep(0)
        step.end("exit code 1", 1)
        await drain

        assert (await engine.store.get_run(run.id)).status is Status.INTERRUPTED


async def test_a_run_that_succeeded_before_the_drain_reached_it_is_completed(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        step.end()
        await engine.manager.drain(PATIENCE_SECONDS)

        assert (await engine.store.get_run(run.id)).status is Status.COMPLETED


async def test_a_drain_gives_up_at_its_limit_and_the_next_start_settles_the_rest(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True), drain=False) as engine:
        run = await engine.manager.start_run("handbook")
        await engine.executor.step("extract")
        await engine.manager.drain(0.05)
        assert (await engine.store.get_run(run.id)).status is Status.RUNNING

    async with open_engine(tmp_path, owner="next start") as engine:
        assert (await engine.store.get_run(run.id)).status is Status.INTERRUPTED


async def test_a_drain_is_safe_twice(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        await engine.executor.step("extract")

        await asyncio.gather(engine.manager.drain(PATIENCE_SECONDS), engine.manager.drain(PATIENCE_SECONDS))

        assert (await engine.store.get_run(run.id)).status is Status.INTERRUPTED


async def test_a_second_drain_does_not_wait_longer_than_the_first_allowed(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True), drain=False) as engine:
        await engine.manager.start_run("handbook")
        await engine.executor.step("extract")
        await engine.manager.drain(0.05)

        async with asyncio.timeout(60):
            await engine.manager.drain(30)

        assert engine.manager.draining


async def test_after_a_crash_the_run_is_interrupted_and_the_next_start_works_immediately(tmp_path: Path) -> None:
    async with open_engine(tmp_path, drain=False) as engine:
        crashed = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.context.log("seen by a follower")
        topic = engine.hub.find(crashed.id)
        assert topic is not None
        await topic.wait_after(1)

    async with open_engine(tmp_path, owner="next start") as engine:
        settled = await engine.end_of(crashed.id)
        following = await engine.manager.start_run("handbook")

        assert settled.status is Status.INTERRUPTED
        assert settled.finished_at is not None
        assert settled.error_message is not None
        assert [step.status for step in settled.steps] == [
            StepStatus.INTERRUPTED,
            StepStatus.SKIPPED,
            StepStatus.SKIPPED,
        ]
        last, closing = (await engine.log_of(crashed.id))[-2:]
        assert last.message == "seen by a follower"
        assert (closing.message, closing.level, closing.step) == (settled.error_message, Level.WARNING, "extract")
        assert (settled.last_seq, settled.steps[0].last_seq) == (closing.seq, closing.seq)
        assert await engine.store.check() == []
        assert following.id > crashed.id


async def test_processes_of_a_crashed_run_are_killed_before_its_project_is_free(tmp_path: Path) -> None:
    async with open_engine(tmp_path, drain=False) as engine:
        crashed = await engine.manager.start_run("handbook")
        await engine.executor.step("extract")

    async with open_engine(tmp_path, owner="next start") as engine:
        assert engine.executor.orphans_killed == [crashed.id]
        assert [run.id for run in engine.recovered] == [crashed.id]


@pytest.mark.parametrize("project", ["handbook"])
async def test_runs_of_a_removed_project_stay_readable(tmp_path: Path, project: str) -> None:
    async with open_engine(tmp_path, declare(project, steps=("extract",))) as engine:
        run = await engine.manager.start_run(project)
        (await engine.executor.step("extract")).end()
        await engine.end_of(run.id)

    async with open_engine(tmp_path, declare("another"), owner="next start") as engine:
        assert (await engine.manager.get_current_run(project)).id == run.id


async def test_a_drain_settles_a_start_whose_answer_was_lost(tmp_path: Path) -> None:
    async with open_engine(tmp_path, limits=EngineLimits(reaper_retry_seconds=0.01)) as engine:
        engine.faults.fail_after("insert_run", StoreFailure())
        engine.faults.fail("find_active_run", StoreUnavailable())
        engine.faults.fail("finalize_run", StoreUnavailable())
        with pytest.raises(StoreFailure):
            await engine.manager.start_run("handbook")

        await engine.manager.drain(PATIENCE_SECONDS)

        (run,) = await engine.store.list_runs()
        assert run.status is Status.FAILED


async def test_a_drain_gives_up_on_a_store_that_cannot_settle_a_start(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        engine.faults.fail_after("insert_run", StoreFailure())
        never = engine.faults.hold("find_active_run")
        with pytest.raises(StoreFailure):
            await engine.manager.start_run("handbook")
        await never.reached.wait()

        await engine.manager.drain(0.05)

        (run,) = await engine.store.list_runs()
        assert run.status is Status.PENDING


async def test_an_older_database_beside_newer_artifacts_gives_no_id_again(tmp_path: Path) -> None:
    for name in ("artifacts/7", "artifacts/12", "artifacts/notes", "artifacts/99999999999999999999"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data").chmod(0o700)
    (tmp_path / "solorun.toml").write_text(project_toml("a", {"a": "true"}))

    async with Service.open(Settings(data_dir=tmp_path / "data"), Catalog.open(tmp_path / "solorun.toml")) as service:
        run = await service.manager.start_run("a")

    assert run.id == 13


async def test_a_run_does_not_begin_in_a_directory_that_exists(tmp_path: Path) -> None:
    (tmp_path / "artifacts" / "1").mkdir(parents=True)

    async with open_engine(tmp_path, declare(steps=("extract", "review"))) as engine:
        run = await engine.manager.start_run("handbook")
        ended = await engine.end_of(run.id)

        assert ended.status is Status.FAILED
        assert ended.error_message == "the directories of run 1 could not be created: File exists"
        assert [step.status for step in ended.steps] == [StepStatus.FAILED, StepStatus.SKIPPED]
        assert engine.executor.begun == []


async def test_a_recovery_that_cannot_write_says_so(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        await engine.store.insert_run(new_run(), owner="another start")
        engine.faults.fail("finalize_run", StoreUnavailable())

        with pytest.raises(StoreUnavailable):
            await engine.manager.reaper.recover()


async def test_orphaned_runs_are_ended_although_their_processes_cannot_be_listed_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solorun.runs.reaper.WATCH_SECONDS", 0.001)
    async with open_engine(tmp_path) as engine:
        orphaned = await engine.store.insert_run(new_run(), owner="another start")
        looks = 0

        async def kill_orphans(_run_id: int) -> None:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        monkeypatch.setattr(engine.executor, "kill_orphans", kill_orphans)
        engine.manager.tasks.spawn(engine.manager.reaper.watch(), name="watch for orphaned runs")
        await engine.until(lambda: looks > 1)

        while (run := await engine.store.get_run(orphaned.id)).holds_project:
            await asyncio.sleep(0.001)

    assert run.status is Status.INTERRUPTED
