"""kill -9 while runs are deleted: each run is there as a whole or not at all, and what is left is deleted later."""

import asyncio
import random
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from solorun.artifacts import DirectoryArtifacts
from solorun.runs import Pruner
from solorun.settings import DataDirectory
from solorun.status import Status
from solorun.store import Store
from solorun.stores.sqlite import SqliteRunStore
from tests.contracts.builders import end, later, read_all, records, start, write
from tests.fakes.declared_projects import DeclaredProjects
from tests.fakes.engine import open_engine
from tests.faults.conftest import MakeTrials
from tests.faults.prune_loop import KEPT, PROJECTS, declare
from tests.faults.test_kill_nine import Killer
from tests.faults.trial import DATABASE_NAME

KILLS_OF_ONE_DIRECTORY = 10
Ends = dict[str, dict[int, Status]]
"""How the runs of each project ended, as acknowledged."""


@pytest.fixture
def killer() -> Iterator[Killer]:
    killer = Killer("tests.faults.prune_loop")
    yield killer
    killer.stop()


async def find_half_deleted(store: Store, data_dir: Path) -> list[str]:
    """The runs that a reader finds without their whole log or without their files; and what the doctor finds."""
    found = [finding.message for finding in await store.check()]
    for run in await store.list_runs(limit=10_000):
        seqs = [record.seq for record in await read_all(store, run.id)]
        if seqs != list(range(1, run.last_seq + 1)):
            found.append(f"Run {run.id} has records {seqs} of {run.last_seq}.")
        files = DataDirectory(data_dir).artifacts(run.id)
        if run.status is Status.COMPLETED and not ((files / "one").exists() and (files / "deep/two").exists()):
            found.append(f"Run {run.id} has lost files.")
    return found


async def find_wrongly_deleted(store: Store, ends: Ends) -> list[str]:
    """The runs that are missing although their project keeps them."""
    present = {run.id for run in await store.list_runs(limit=10_000)}
    found: list[str] = []
    for project, ended in ends.items():
        for run_id in ended.keys() - present:
            newer = [other for other in ended if other > run_id]
            if len(newer) < KEPT:
                found.append(f"Run {run_id} of {project} is among the newest.")
            if ended[run_id] is Status.COMPLETED and Status.COMPLETED not in {ended[other] for other in newer}:
                found.append(f"Run {run_id} of {project} is the last completed one.")
    return found


def find_leftovers(data_dir: Path) -> list[str]:
    """What is left of deleted runs."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        runs = {run_id for (run_id,) in connection.execute("SELECT id FROM runs")}
        expired = {run_id for (run_id,) in connection.execute("SELECT id FROM runs WHERE expired_at IS NOT NULL")}
        logs = {run_id for (run_id,) in connection.execute("SELECT run_id FROM segments")}
        steps = {run_id for (run_id,) in connection.execute("SELECT run_id FROM steps")}
    files = {int(entry.name) for entry in (data_dir / "artifacts").iterdir()}
    left = {"expired": expired, "logs": logs - runs, "steps": steps - runs, "files": files - runs}
    return [f"{what} of runs {sorted(ids)}" for what, ids in left.items() if ids]


@pytest.mark.needs(minutes=3)
async def test_a_kill_leaves_no_half_deleted_run(trials: MakeTrials, memory_path: Path, killer: Killer) -> None:
    tried = trials("P5", "kill -9 of an engine that deletes runs", short=1, goal=2_000)
    deleted = 0

    for number in tried:
        directory = memory_path / str(number)
        directory.mkdir()
        ends: Ends = defaultdict(dict)
        for _ in range(KILLS_OF_ONE_DIRECTORY):
            seconds = f"{random.random() * 0.4:.4f}"
            for name, *rest in await asyncio.to_thread(killer.kill, directory, seconds):
                record(ends, name, rest)
        async with open_engine(directory, *map(declare, PROJECTS), owner="the next start") as engine:
            violations = await find_half_deleted(engine.store, directory)
            violations += await find_wrongly_deleted(engine.store, ends)
            for _ in range(2):
                await pruner_of(engine.store, directory).prune()
            violations += await find_half_deleted(engine.store, directory)
            deleted += len(await engine.store.list_deleted_runs(limit=100_000))
        violations += find_leftovers(directory)
        tried.judge(violations, tried=KILLS_OF_ONE_DIRECTORY)
        shutil.rmtree(directory)

    tried.notes = f"{deleted:,} deleted runs"
    assert deleted


def record(ends: Ends, name: str, rest: list[Any]) -> None:
    if name == "end":
        project, run_id, status = rest
        ends[project][run_id] = Status(status)


def pruner_of(store: Store, data_dir: Path) -> Pruner:
    return Pruner(
        store=store,
        projects=DeclaredProjects(*map(declare, PROJECTS)),
        artifacts=DirectoryArtifacts(DataDirectory(data_dir)),
        now=lambda: datetime.now(UTC),
        pause_ratio=0,
    )


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("DELETE FROM segments WHERE run_id = 1 AND last_seq = 1", "Run 1 has records [2] of 2."),
        ("DELETE FROM runs WHERE id = 1", "Records exist for run 1, which does not exist."),
    ],
)
async def test_the_trial_notices_a_half_deleted_run(tmp_path: Path, damage: str, expected: str) -> None:
    store = await SqliteRunStore.open(tmp_path)
    await end(store, await write(store, await start(store), records(1, 1), records(2, 2)), Status.FAILED)
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME, isolation_level=None)) as connection:
        connection.execute(damage)

    found = await find_half_deleted(store, tmp_path)

    await store.close()
    assert expected in found


async def test_the_trial_notices_a_run_that_had_to_stay(tmp_path: Path) -> None:
    store = await SqliteRunStore.open(tmp_path)
    runs = [await end(store, await start(store), Status.COMPLETED) for _ in range(3)]
    await store.expire_runs([run.id for run in runs], at=later(100))

    found = await find_wrongly_deleted(store, {"handbook": dict.fromkeys([run.id for run in runs], Status.COMPLETED)})

    await store.close()
    assert sorted(found) == [
        "Run 2 of handbook is among the newest.",
        "Run 3 of handbook is among the newest.",
        "Run 3 of handbook is the last completed one.",
    ]
