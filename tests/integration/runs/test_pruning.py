"""The pruner on real databases and directories: what it deletes, and what it leaves for the next pass."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from solorun.artifacts import DirectoryArtifacts
from solorun.artifacts import directory as artifact_directory
from solorun.artifacts.directory import remove_artifacts
from solorun.component import running
from solorun.errors import ProjectNotFound, StoreUnavailable
from solorun.project import Keep, Project
from solorun.run import Run
from solorun.runs import Pruner
from solorun.settings import DataDirectory
from solorun.store import RunStore, Store
from solorun.stores.sql import retention
from solorun.wire.runs import PrunedProject
from tests.contracts.builders import end, later, records, start, write
from tests.fakes.declared_projects import DeclaredProjects
from tests.fakes.engine import declare
from tests.fakes.stores import FaultyStore

NEWEST = declare(keep=Keep(runs=1))


def pruner_of(store: FaultyStore, data_dir: Path, *projects: Project, now: datetime = later(100)) -> Pruner:  # noqa: B008
    return Pruner(
        store=store.as_store(),
        projects=DeclaredProjects(*projects),
        artifacts=DirectoryArtifacts(DataDirectory(data_dir)),
        now=lambda: now,
        first_seconds=0,
        pause_ratio=0,
    )


async def ended(store: FaultyStore, data_dir: Path, project: str = "handbook", *, artifact_bytes: int = 0) -> Run:
    """A completed run with a log and, if wanted, an artifact."""
    real = store.as_store()
    run = await write(real, await start(real, project), records(1, 10))
    if artifact_bytes:
        file = DataDirectory(data_dir).artifacts(run.id) / "deep" / "file"
        file.parent.mkdir(parents=True)
        file.write_bytes(bytes(artifact_bytes))
    return await end(real, run)


async def ids(store: RunStore) -> list[int]:
    return [run.id for run in await store.list_runs()]


def artifact_ids(data_dir: Path) -> list[str]:
    return sorted(entry.name for entry in (data_dir / "artifacts").iterdir())


async def test_a_pass_deletes_old_runs_with_their_logs_and_artifacts(store: FaultyStore, tmp_path: Path) -> None:
    old = await ended(store, tmp_path, artifact_bytes=10)
    new = await ended(store, tmp_path, artifact_bytes=10)

    await pruner_of(store, tmp_path, NEWEST).prune()

    assert await ids(store.as_store()) == [new.id]
    assert await store.read_segments(old.id, after=0) == []
    assert artifact_ids(tmp_path) == [str(new.id)]


async def test_each_project_is_pruned_by_its_own_limits(store: FaultyStore, tmp_path: Path) -> None:
    keep_all = [await ended(store, tmp_path, "glossary") for _ in range(2)]
    undeclared = [await ended(store, tmp_path, "forgotten") for _ in range(2)]
    _, kept = [await ended(store, tmp_path) for _ in range(2)]

    await pruner_of(store, tmp_path, NEWEST, declare("glossary")).prune()

    assert await ids(store.as_store()) == [kept.id, *(run.id for run in reversed([*keep_all, *undeclared]))]


async def test_a_pass_over_one_project_leaves_the_others(store: FaultyStore, tmp_path: Path) -> None:
    other = [await ended(store, tmp_path, "glossary") for _ in range(2)]
    _, kept = [await ended(store, tmp_path) for _ in range(2)]
    pruner = pruner_of(store, tmp_path, NEWEST, declare("glossary", keep=Keep(runs=1)))

    await pruner.prune("handbook")

    assert await ids(store.as_store()) == [kept.id, *(run.id for run in reversed(other))]


async def test_pinned_active_and_queued_runs_are_left(store: FaultyStore, tmp_path: Path) -> None:
    pinned, _, completed = [await ended(store, tmp_path) for _ in range(3)]
    await store.set_pinned(pinned.id, True)
    active = await start(store.as_store())

    await pruner_of(store, tmp_path, NEWEST).prune()

    assert await ids(store.as_store()) == [active.id, completed.id, pinned.id]


async def test_the_size_of_a_project_includes_its_artifacts(store: FaultyStore, tmp_path: Path) -> None:
    runs = [await ended(store, tmp_path, artifact_bytes=10_000) for _ in range(4)]

    await pruner_of(store, tmp_path, declare(keep=Keep(size_bytes=25_000))).prune()

    assert await ids(store.as_store()) == [runs[3].id, runs[2].id]


async def test_a_dry_run_says_what_a_pass_would_delete(store: FaultyStore, tmp_path: Path) -> None:
    runs = [await ended(store, tmp_path, artifact_bytes=1000) for _ in range(3)]
    await ended(store, tmp_path, "glossary")
    pruner = pruner_of(store, tmp_path, NEWEST, declare("glossary"))
    logs = await store.measure_logs([run.id for run in runs[:2]])

    report = await pruner.plan()

    assert report.projects == (PrunedProject("handbook", 2, 2000 + sum(logs.values())),)
    assert (report.dry_run, report.runs, report.size_bytes) == (True, 2, 2000 + sum(logs.values()))
    assert await pruner.plan("handbook") == report
    assert (await pruner.plan("glossary")).projects == ()
    assert len(await ids(store.as_store())) == 4


async def test_an_unknown_project_cannot_be_pruned(store: FaultyStore, tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFound):
        await pruner_of(store, tmp_path, NEWEST).plan("glossary")


async def test_a_pass_completes_what_an_interrupted_one_has_begun(store: FaultyStore, tmp_path: Path) -> None:
    old, kept = [await ended(store, tmp_path, artifact_bytes=1) for _ in range(2)]
    store.fail_after("expire_runs", StoreUnavailable())
    with pytest.raises(StoreUnavailable):
        await pruner_of(store, tmp_path, NEWEST).prune()

    await pruner_of(store, tmp_path, declare()).prune()

    assert await ids(store.as_store()) == [kept.id]
    assert await store.read_segments(old.id, after=0) == []
    assert artifact_ids(tmp_path) == [str(kept.id)]


async def test_a_pass_continues_where_an_interrupted_deletion_stopped(
    store: FaultyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MAX_SEGMENTS", 1)
    run = await start(store.as_store())
    run = await end(store.as_store(), await write(store.as_store(), run, records(1, 1), records(2, 2), records(3, 3)))
    await store.expire_runs([run.id], at=later(50))
    store.fail_after("delete_expired", StoreUnavailable())
    with pytest.raises(StoreUnavailable):
        await pruner_of(store, tmp_path, NEWEST).prune()

    await pruner_of(store, tmp_path, NEWEST).prune()

    assert (await store.delete_expired(at=later(300))).more is False
    assert [deleted.id for deleted in await store.list_deleted_runs(limit=9)] == [run.id]


async def test_files_that_outlive_their_run_are_deleted_by_the_next_pass(store: FaultyStore, tmp_path: Path) -> None:
    old, kept = [await ended(store, tmp_path, artifact_bytes=1) for _ in range(2)]
    pruner = pruner_of(store, tmp_path, NEWEST)
    await store.expire_runs([old.id], at=later(50))
    await store.delete_expired(at=later(50))

    await pruner.prune()

    assert artifact_ids(tmp_path) == [str(kept.id)]


async def test_two_services_that_prune_at_the_same_time_delete_each_run_once(
    store: FaultyStore, tmp_path: Path
) -> None:
    runs = [await ended(store, tmp_path, artifact_bytes=1) for _ in range(5)]
    pruners = [pruner_of(store, tmp_path, NEWEST) for _ in range(2)]

    await asyncio.gather(*(pruner.prune() for pruner in pruners))

    assert await ids(store.as_store()) == [runs[-1].id]
    assert [run.id for run in await store.list_deleted_runs(limit=9)] == [run.id for run in runs[:-1]]


async def test_deleted_runs_are_forgotten_after_a_month(store: FaultyStore, tmp_path: Path) -> None:
    for _ in range(2):
        await ended(store, tmp_path)
    now = datetime(2026, 5, 1, tzinfo=UTC)
    await pruner_of(store, tmp_path, NEWEST, now=now).prune()

    await pruner_of(store, tmp_path, NEWEST, now=now + timedelta(days=29)).prune()
    assert len(await store.list_deleted_runs(limit=9)) == 1
    await pruner_of(store, tmp_path, NEWEST, now=now + timedelta(days=31)).prune()

    assert await store.list_deleted_runs(limit=9) == []


async def test_a_running_pruner_makes_a_pass_when_it_is_requested(store: FaultyStore, tmp_path: Path) -> None:
    pruner = pruner_of(store, tmp_path, NEWEST)
    pruner.first_seconds = 3600
    old, _ = [await ended(store, tmp_path) for _ in range(2)]

    async with running(pruner):
        pruner.request("handbook")
        await until_gone(store.as_store(), old)


async def test_a_stopped_pruner_leaves_the_files_to_the_next_one(
    store: FaultyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second, kept = [await ended(store, tmp_path, artifact_bytes=1) for _ in range(3)]
    began, stopped, finished = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def remove_slowly(data_dir: DataDirectory, run_id: int) -> None:
        loop.call_soon_threadsafe(began.set)
        stopped.wait(60)
        remove_artifacts(data_dir, run_id)
        finished.set()

    with monkeypatch.context() as patched:
        patched.setattr(artifact_directory, "remove_artifacts", remove_slowly)
        async with running(pruner_of(store, tmp_path, NEWEST)):
            with anyio.fail_after(60):
                await began.wait()
        stopped.set()
        await asyncio.to_thread(finished.wait, 60)
        assert artifact_ids(tmp_path) == [str(second.id), str(kept.id)]

    await pruner_of(store, tmp_path, NEWEST).prune()

    assert artifact_ids(tmp_path) == [str(kept.id)]


@pytest.mark.parametrize("error", [StoreUnavailable(), ValueError("an internal error")], ids=["store", "internal"])
async def test_a_running_pruner_survives_an_error(store: FaultyStore, tmp_path: Path, error: Exception) -> None:
    old, _ = [await ended(store, tmp_path) for _ in range(2)]
    pruner = pruner_of(store, tmp_path, NEWEST)
    pruner.interval_seconds = 0
    store.fail("list_ended_runs", error)

    async with running(pruner):
        await until_gone(store.as_store(), old)


async def until_gone(store: Store, run: Run) -> None:
    with anyio.fail_after(60):
        while run.id in await ids(store):
            await asyncio.sleep(0.001)
