"""A copy of a database in use: complete, sound, and without secrets."""

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from solorun.errors import BackupUnavailable, StoreCorrupted, StoreUnavailable
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.status import Status
from solorun.store import NewRun
from solorun.stores.sqlite import SqliteRunStore, backup
from tests.contracts.builders import NOW, OWNER, beginning, end, insert, new_run, read_all, records, write
from tests.integration.stores.conftest import OpenStore

SECRET = "correct horse battery staple"
CopyStore = Callable[[SqliteRunStore], Awaitable[SqliteRunStore]]


@pytest.fixture
async def copy_store(tmp_path: Path) -> AsyncIterator[CopyStore]:
    """Opens a store of a backup, which is kept in `copy`."""
    copies: list[SqliteRunStore] = []

    async def copy_store(store: SqliteRunStore) -> SqliteRunStore:
        directory = tmp_path / "copy"
        directory.mkdir(exist_ok=True)
        (directory / "solorun.db").write_bytes(read(await store.open_backup()))
        copies.append(await SqliteRunStore.open(directory))
        return copies[-1]

    yield copy_store
    for copied in copies:
        await copied.close()


async def start(store: SqliteRunStore) -> Run:
    """A running run without steps, which are not what is copied here."""
    run = await insert(store, new_run(steps=()))
    await store.commit([beginning(run, at=1)], owner=OWNER)
    return await store.get_run(run.id)


def read(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def secret_run(project: str = "handbook") -> NewRun:
    return replace(
        new_run(project),
        params={"token": "***"},
        unmasked_params={"token": SECRET},
        on_conflict=ConflictPolicy.QUEUE,
    )


async def test_a_copy_has_the_runs_their_logs_and_the_next_id(store: SqliteRunStore, copy_store: CopyStore) -> None:
    ended = await end(store, await write(store, await start(store), records(1, 9)))
    active = await write(store, await start(store), records(1, 3))

    copied = await copy_store(store)

    assert await copied.list_runs() == [active, ended]
    assert await read_all(copied, ended.id) == await read_all(store, ended.id)
    assert await copied.check() == []
    assert (await copied.insert_run(new_run("other"), owner=OWNER)).id == active.id + 1


async def test_a_copy_has_every_run_that_was_committed_before_it_began(
    store: SqliteRunStore, copy_store: CopyStore
) -> None:
    stopped = asyncio.Event()
    committed: list[int] = []

    async def load() -> None:
        while not stopped.is_set():
            run = await write(store, await start(store), records(1, 50))
            committed.append((await end(store, run)).id)

    async with asyncio.TaskGroup() as group:
        group.create_task(load())
        while len(committed) < 20:
            await asyncio.sleep(0)
        before = set(committed)
        copied = await copy_store(store)
        stopped.set()

    assert before <= {run.id for run in await copied.list_runs(limit=1000)}
    assert await copied.check() == []


async def test_a_queued_run_with_secrets_is_cancelled_in_the_copy(store: SqliteRunStore, copy_store: CopyStore) -> None:
    await start(store)
    secret, plain = await insert(store, secret_run()), await insert(store, replace(secret_run(), unmasked_params={}))

    copied = await copy_store(store)

    run = await copied.get_run(secret.id)
    assert run.cancel is not None
    assert (run.status, run.cancel.reason) == (Status.CANCELLED, "its secret parameters are not in the backup")
    assert (await copied.get_run(plain.id)).status is Status.QUEUED
    assert await copied.read_unmasked_params(secret.id) == {}
    assert (await store.get_run(secret.id)).status is Status.QUEUED
    assert await store.read_unmasked_params(secret.id) == {"token": SECRET}
    assert await copied.check() == []


async def test_a_promoted_run_with_secrets_never_begins_in_the_copy(
    store: SqliteRunStore, copy_store: CopyStore
) -> None:
    active = await start(store)
    secret = await insert(store, secret_run())
    await end(store, active)

    copied = await copy_store(store)

    assert await copied.claim_runs(owner="restored") == []
    assert (await copied.get_run(secret.id)).status is Status.CANCELLED
    assert [run.id for run in await store.claim_runs(owner=OWNER)] == [secret.id]


async def test_runs_behind_a_cancelled_one_can_begin_in_the_copy(store: SqliteRunStore, copy_store: CopyStore) -> None:
    await store.declare_resources({"gpu": 2})
    await insert(store, replace(new_run("a"), resources={"gpu": 1}))
    await insert(store, replace(secret_run("b"), resources={"gpu": 2}))
    behind = await insert(store, replace(new_run("c"), resources={"gpu": 1}, on_conflict=ConflictPolicy.QUEUE))

    copied = await copy_store(store)

    assert [run.id for run in await copied.claim_runs(owner=OWNER)] == [behind.id]
    assert await copied.check() == []


async def test_no_secret_is_in_the_bytes_of_a_copy(store: SqliteRunStore) -> None:
    await start(store)
    for _ in range(50):
        await insert(store, secret_run())

    assert SECRET.encode() not in read(await store.open_backup())


async def test_a_copy_has_no_sessions(store: SqliteRunStore, copy_store: CopyStore) -> None:
    await store.insert_session("a", at=NOW, expires_at=NOW + timedelta(days=1), max_open=1)

    copied = await copy_store(store)

    assert await copied.count_sessions(at=NOW) == 0


async def test_a_copy_is_private_while_it_is_made_and_leaves_no_file(
    store: SqliteRunStore, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    erase = backup._erase_secrets

    def look(target: Path) -> None:
        seen.append(stat.S_IMODE(target.stat().st_mode))
        erase(target)

    monkeypatch.setattr(backup, "_erase_secrets", look)
    os.close(await store.open_backup())

    assert seen == [0o600]
    assert list(data_dir.glob("*backup*")) == []


async def test_what_a_killed_service_left_of_a_copy_is_deleted(open_store: OpenStore, data_dir: Path) -> None:
    data_dir.mkdir()
    left = data_dir / "solorun.db.backup-0123456789abcdef"
    left.write_bytes(SECRET.encode())

    await open_store()

    assert not left.exists()


async def test_a_failed_or_cancelled_copy_leaves_no_file_and_can_be_repeated(
    store: SqliteRunStore, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(backup, "_erase_secrets", fail)
        with pytest.raises(OSError, match="no space"):
            await store.open_backup()
    cancelled = asyncio.create_task(store.open_backup())
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled

    assert list(data_dir.glob("*backup*")) == []
    os.close(await store.open_backup())


async def test_one_copy_is_made_at_a_time(store: SqliteRunStore) -> None:
    first = asyncio.create_task(store.open_backup())
    await asyncio.sleep(0)

    with pytest.raises(BackupUnavailable, match="Another backup is in progress"):
        await store.open_backup()

    os.close(await first)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


async def test_a_disk_without_space_for_a_copy_is_left_alone(
    store: SqliteRunStore, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 2**40 - 2**28, 2**28))

    with pytest.raises(BackupUnavailable, match="256 MiB are free"):
        await store.open_backup()

    assert list(data_dir.glob("*backup*")) == []


async def test_a_damaged_database_is_not_copied(store: SqliteRunStore, data_dir: Path) -> None:
    await write(store, await start(store), *([record] for record in records(1, 400)))
    await store.close()
    with (data_dir / "solorun.db").open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 8)
    damaged = await SqliteRunStore.open(data_dir)

    with pytest.raises((StoreCorrupted, StoreUnavailable)):
        await damaged.open_backup()

    await damaged.close()


async def test_a_database_that_was_moved_is_not_copied(store: SqliteRunStore, data_dir: Path) -> None:
    (data_dir / "solorun.db").rename(data_dir / "moved.db")

    with pytest.raises(StoreUnavailable, match="moved"):
        await store.open_backup()

    assert not (data_dir / "solorun.db").exists()


async def test_the_last_id_is_that_of_a_deleted_run(store: SqliteRunStore, copy_store: CopyStore) -> None:
    assert await store.find_last_run_id() == 0
    await store.reserve_run_ids(41)
    run: Run = await start(store)

    assert await (await copy_store(store)).find_last_run_id() == run.id == 42
