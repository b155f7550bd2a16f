"""Tests the auditor: it accepts the real engine, and reports each of the bugs it must find."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from solorun.logs import Writer
from solorun.logs.writer import Lane
from solorun.outcome import StepResult, StopEffect
from solorun.project import CommandStep, Project, StepDeclaration
from solorun.record import Stream
from solorun.status import UpdateResult
from solorun.step import StepContext, StepExecution, StepExecutor
from solorun.steps import StepDispatcher
from solorun.store import Batch
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.engine import noting_ends, open_engine
from tests.fakes.process_table import is_alive
from tests.faults.history import EndObservation, History
from tests.faults.trial import DATABASE_NAME, Trial, until


async def race_and_crash(trial: Trial, *, starts: int = 20) -> list[str]:
    """Concurrent starts, readers, output, a cancel, another run, a crash before its output is stored, and recovery."""
    async with trial.engine(drain=False) as engine:
        await asyncio.gather(*(trial.start() for _ in range(starts)))
        first = await trial.executor.step("work")
        trial.follow(first.context.run_id)
        await first.context.output.write("work", Stream.STDOUT, ["one", "two", "three"])
        await until(lambda: any(len(reading.lines) > 3 for reading in trial.history.readings))
        held = engine.faults.hold("commit")
        await first.context.output.write("work", Stream.STDOUT, ["and more"])
        await held.reached.wait()
        # While this commit is held, the last records and the ending accumulate. The next commit contains both.
        with noting_ends() as ended:
            await trial.cancel(first.context.run_id)
            await until(lambda: first.context.run_id in ended)
        held.open()
        await engine.end_of(first.context.run_id)
        if (second := await trial.start()) is not None:
            step = await trial.executor.step("work")
            trial.follow(second.id)
            await step.context.output.write("work", Stream.STDOUT, ["four"])
            await until(lambda: len(trial.history.readings[-1].lines) > 1)
            held = engine.faults.hold("commit")
            await step.context.output.write("work", Stream.STDOUT, ["five"])
            await held.reached.wait()
            # A record published too early would reach its reader within a few iterations of the event loop.
            for _ in range(100):
                await asyncio.sleep(0)
    async with trial.engine():
        await trial.start()
    return trial.audit()


async def test_the_real_engine_passes(tmp_path: Path) -> None:
    assert await race_and_crash(Trial(tmp_path)) == []


async def test_two_active_runs_are_found_without_lock_and_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = Trial(tmp_path)
    await trial.prepare()
    with sqlite3.connect(tmp_path / DATABASE_NAME) as connection:
        connection.execute("DROP INDEX runs_one_active_per_project")
    connection.close()
    insert = QUERIES["insert_run"]
    conflict = insert[insert.index("ON CONFLICT") : insert.index("RETURNING")]
    queries = {**QUERIES, "insert_run": insert.replace(conflict, "")}
    monkeypatch.setattr("solorun.stores.sql.starts.QUERIES", queries)

    async with trial.engine() as engine:
        monkeypatch.setattr(engine.registry, "start_lock", _NoLock())
        await asyncio.gather(*(trial.start() for _ in range(20)))
        await until(lambda: len(trial.executor.begun) > 1)

    violations = trial.audit()
    assert any(violation.startswith("at_most_one_active_run") for violation in violations)
    assert any(violation.startswith("at_most_one_working_run") for violation in violations)


async def test_publishing_before_the_commit_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "_commit", _publish_then_commit)

    violations = await race_and_crash(Trial(tmp_path))

    assert any(violation.startswith("no_acknowledged_record_is_lost") for violation in violations)


async def test_a_status_before_the_last_record_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqliteRunStore, "commit", _commit_endings_first)

    violations = await race_and_crash(Trial(tmp_path))

    assert any(violation.startswith("no_acknowledged_record_is_lost") for violation in violations)
    assert any(violation.startswith("stream_ends_match_the_rows") for violation in violations)


async def test_a_cancel_that_is_not_settled_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = {
        **QUERIES,
        "record_cancel": QUERIES["record_cancel"].replace(":settled_at", "NULL"),
        "end_run": QUERIES["end_run"].replace("COALESCE(cancel_settled_at, :finished_at)", "NULL"),
    }
    monkeypatch.setattr("solorun.stores.sql.writes.QUERIES", queries)
    trial = Trial(tmp_path)
    await trial.prepare()
    async with trial.engine() as engine:
        run = await trial.start()
        assert run is not None
        await trial.executor.step("work")

        await engine.manager.cancel_run(run.id)
        await engine.end_of(run.id)

    assert trial.audit() == [f"cancels_are_settled: run {run.id} is cancelled, but its cancel is not settled"]


async def test_an_end_that_is_not_announced_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solorun.stores.sql.endings._add_deliveries", lambda *_: None)

    violations = await race_and_crash(Trial(tmp_path))

    assert any(violation.startswith("every_end_is_announced_once") for violation in violations)


ESCAPE = "setsid sh -c 'echo $$ > escaped; exec sleep 30' & echo $$ > pid; wait"


@pytest.mark.parametrize("mutant", [False, True])
async def test_processes_that_killpg_misses_are_found(tmp_path: Path, mutant: bool) -> None:
    history = History()
    executor: StepExecutor = KillpgExecutor() if mutant else StepDispatcher(tmp_path, os.environ)
    project = Project("handbook", "Handbook", tmp_path, (CommandStep("work", ESCAPE),), cancel_grace_seconds=0.2)
    escaped = tmp_path / "escaped"
    async with open_engine(tmp_path, project, executor=executor) as engine:  # type: ignore[arg-type]
        run = await engine.manager.start_run("handbook")
        await until(lambda: escaped.exists() and escaped.read_text().strip())

        await engine.manager.cancel_run(run.id)
        ended = await engine.end_of(run.id)
        alive = (f"{pid}",) if is_alive(pid := int(escaped.read_text())) else ()
        history.end_observations.append(EndObservation(run.id, ended.status, alive))

    violations = Trial(tmp_path, history).audit()
    if alive:
        os.kill(pid, signal.SIGKILL)
    assert [violation.startswith("no_process_outlives_its_run") for violation in violations] == [True] * mutant


# -- the bugs


class _NoLock:
    """A lock that does not lock."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...

    def locked(self) -> bool:
        return False


async def _publish_then_commit(self: Writer, lanes: Sequence[Lane]) -> None:
    batches = [lane.batch for lane in lanes if lane.batch is not None]
    for batch in batches:
        self._publish(batch)
    answers = await self._store.commit(batches, owner=self._owner)
    for lane, batch, answer in zip(lanes, batches, answers, strict=True):
        channel = self._taken.pop(lane)
        lane.batch = None
        if answer is UpdateResult.UPDATED:
            channel.committed(batch)


_real_commit = SqliteRunStore.commit


async def _commit_endings_first(self: SqliteRunStore, batches: Sequence[Batch], *, owner: str) -> list[UpdateResult]:
    endings = [replace(batch, segment=None, run=_without(batch)) for batch in batches if batch.ending and batch.segment]
    await _real_commit(self, endings, owner=owner)
    await _real_commit(self, [batch for batch in batches if not batch.ending], owner=owner)
    return [UpdateResult.UPDATED] * len(batches)


def _without(batch: Batch) -> Any:
    """The run before the batch's records."""
    import msgspec

    assert batch.segment is not None
    return msgspec.structs.replace(batch.run, last_seq=batch.segment.first_seq - 1)


class KillpgExecutor:
    """Commands without a shim: a cancel signals only their process group."""

    async def start(self, project: Project, step: StepDeclaration, context: StepContext) -> StepExecution:
        assert isinstance(step, CommandStep)
        assert isinstance(step.run, str)
        process = await asyncio.create_subprocess_shell(step.run, cwd=project.directory, start_new_session=True)
        return KillpgExecution(process)

    async def kill_orphans(self, run_id: int) -> None: ...


class KillpgExecution:
    stop_effect: StopEffect | None = None

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.result: StepResult | None = None

    async def wait(self) -> StepResult:
        code = await self._process.wait()
        self.result = StepResult(code, None if code == 0 else f"exit code {code}")
        return self.result

    async def stop(self, grace_seconds: float) -> StepResult:
        os.killpg(self._process.pid, signal.SIGTERM)
        return await self.wait()
