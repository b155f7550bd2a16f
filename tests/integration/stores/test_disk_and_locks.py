"""A full disk, a foreign lock, a damaged file: the store never reports a false success, and recovers by itself."""

import asyncio
import os
import resource
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from solorun.errors import DatabaseUnusable, StoreCorrupted, StoreFailure, StoreUnavailable
from solorun.record import Record
from solorun.run import Cancel
from solorun.status import Status, UpdateResult
from solorun.store import Batch
from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.sqlite.connection import Connection
from tests.contracts.builders import (
    NOW,
    OWNER,
    batch_of,
    end,
    ending,
    new_run,
    read_all,
    records,
    start,
    write,
)
from tests.fakes.stores import noting_connections
from tests.integration.stores.conftest import OpenStore


async def test_a_full_disk_writes_nothing_and_the_retry_is_the_same_write(open_store: OpenStore) -> None:
    with noting_connections() as connections:
        store = await open_store()
    run = await start(store)
    large = _incompressible(50)
    batch = batch_of(run, large)
    await _limit_pages(connections[0], 1)

    with pytest.raises(StoreUnavailable, match="disk is full"):
        await store.commit([batch], owner=OWNER)
    failed, unchanged = store.write_error, await store.get_run(run.id)
    await _limit_pages(connections[0], 1_000_000)
    answers = await store.commit([batch], owner=OWNER)

    assert failed is not None
    assert unchanged == run
    assert answers == [UpdateResult.UPDATED]
    assert store.write_error is None
    assert await read_all(store, run.id) == large


async def test_a_failing_disk_is_store_unavailable_until_it_works_again(store: SqliteRunStore, data_dir: Path) -> None:
    run = await start(store)
    batch = batch_of(run, _incompressible(50))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((data_dir / "solorun.db-wal").stat().st_size + 20_000, limits[1]))
    try:
        with pytest.raises(StoreUnavailable):
            await store.commit([batch], owner=OWNER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    unchanged = await store.get_run(run.id)

    answers = await store.commit([batch], owner=OWNER)

    assert unchanged == run
    assert answers == [UpdateResult.UPDATED]
    assert await store.check() == []


async def test_a_commit_whose_reply_was_lost_can_be_repeated(
    store: SqliteRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start(store)
    batch = batch_of(run, records(1, 9), end=ending())

    in_transaction = Connection.in_transaction

    def commit_and_lose_the_answer(
        writer: Connection, connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], object]
    ) -> object:
        in_transaction(writer, connection, function)
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "in_transaction", commit_and_lose_the_answer)
        with pytest.raises(StoreUnavailable, match="SQLITE_IOERR_FSYNC"):
            await store.commit([batch], owner=OWNER)

    answers = await store.commit([batch], owner=OWNER)

    assert answers == [UpdateResult.UPDATED]
    assert (await store.get_run(run.id)).status is Status.COMPLETED
    assert await read_all(store, run.id) == records(1, 9)


async def test_a_foreign_lock_is_store_unavailable_and_does_not_affect_reads(
    foreign: sqlite3.Connection, open_store: OpenStore
) -> None:
    store = await open_store(lock_timeout_seconds=0.05)
    run = await start(store)
    foreign.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="lock"):
        await write(store, run, records(1, 3))
    failed, read = store.write_error, await store.get_run(run.id)
    foreign.execute("ROLLBACK")
    await write(store, run, records(1, 3))

    assert failed is not None
    assert read == run
    assert store.write_error is None


async def test_closing_fails_what_is_queued_behind_a_failing_write(open_store: OpenStore) -> None:
    released = threading.Event()
    executed: list[str] = []
    with noting_connections() as connections:
        store = await open_store()
    run = await start(store)

    def wait_and_fail(_: sqlite3.Connection) -> None:
        released.wait()
        raise StoreUnavailable("another process holds the lock")

    async def read_forever() -> None:
        while True:
            await store.get_run(run.id)

    failing = asyncio.create_task(connections[0].execute(wait_and_fail))
    queued = asyncio.create_task(connections[0].execute(lambda _: executed.append("queued")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(store.close())
    with pytest.raises(StoreUnavailable, match="closed"):
        await read_forever()
    released.set()
    await closing

    for task in (failing, queued):
        with pytest.raises(StoreUnavailable, match="holds the lock"):
            await task
    assert executed == []


async def test_closing_ends_a_wait_for_a_foreign_lock(open_store: OpenStore, foreign: sqlite3.Connection) -> None:
    store = await open_store(lock_timeout_seconds=3600)
    foreign.execute("BEGIN IMMEDIATE")
    waiting = [asyncio.create_task(store.insert_run(new_run(name), owner=OWNER)) for name in ("first", "second")]
    await _read_meanwhile(store)

    async with asyncio.timeout(60):
        await store.close()

    for task in waiting:
        with pytest.raises(StoreUnavailable, match="lock"):
            await task


async def test_a_write_waits_for_a_foreign_lock(store: SqliteRunStore, foreign: sqlite3.Connection) -> None:
    foreign.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(store.insert_run(new_run(), owner=OWNER))
    await _read_meanwhile(store)
    waited = not waiting.done()

    foreign.execute("ROLLBACK")

    assert waited
    assert (await waiting).status is Status.PENDING


@pytest.mark.parametrize("method", ["insert_run", "request_cancel", "commit", "finalize_run", "compact_segments"])
async def test_a_cancelled_write_leaves_no_transaction_open(
    store: SqliteRunStore, foreign: sqlite3.Connection, method: str
) -> None:
    ended = await end(store, await write(store, await start(store, "ended"), records(1, 3), records(4, 6)))
    run = await store.insert_run(new_run("waiting"), owner=OWNER)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "insert_run": lambda: store.insert_run(new_run("another"), owner=OWNER),
        "request_cancel": lambda: store.request_cancel(run.id, Cancel(NOW, "api")),
        "commit": lambda: store.commit([batch_of(run, records(1, 3))], owner=OWNER),
        "finalize_run": lambda: store.finalize_run(run.id, owner=OWNER, ending=ending(Status.FAILED, "x")),
        "compact_segments": lambda: store.compact_segments(ended.id),
    }
    foreign.execute("BEGIN IMMEDIATE")
    caller = asyncio.ensure_future(calls[method]())
    await _read_meanwhile(store)

    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    foreign.execute("ROLLBACK")

    assert (await store.insert_run(new_run("glossary"), owner=OWNER)).status is Status.PENDING
    foreign.execute("BEGIN IMMEDIATE")  # the lock is free
    foreign.execute("ROLLBACK")
    assert await read_all(store, ended.id) == records(1, 6)


async def test_a_file_that_is_not_a_database_cannot_be_opened(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "solorun.db").write_bytes(b"certainly not a database " * 100)

    with pytest.raises(DatabaseUnusable, match=r"solorun\.db cannot be opened"):
        await SqliteRunStore.open(data_dir)


async def test_a_directory_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DatabaseUnusable, match="file"):
        await SqliteRunStore.open(tmp_path / "file" / "data")


async def test_a_locked_database_cannot_be_opened(foreign: sqlite3.Connection, open_store: OpenStore) -> None:
    foreign.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseUnusable, match="lock"):
        await open_store(lock_timeout_seconds=0.05)


async def test_a_database_damaged_while_it_is_open_is_reported(
    store: SqliteRunStore, open_store: OpenStore, data_dir: Path
) -> None:
    run = await write(store, await start(store), *([record] for record in records(1, 300)))
    await store.close()
    other = await open_store()
    path = data_dir / "solorun.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))

    with pytest.raises(StoreCorrupted, match="damaged"):
        await other.read_segments(run.id, after=0)


async def test_stored_bytes_that_cannot_be_decompressed_are_reported(
    store: SqliteRunStore, foreign: sqlite3.Connection
) -> None:
    run = await write(store, await start(store), records(1, 3))
    foreign.execute("UPDATE segments SET payload = x'00'")

    with pytest.raises(StoreCorrupted, match="cannot be read"):
        await store.read_segments(run.id, after=0)


async def test_closing_twice_is_safe(store: SqliteRunStore) -> None:
    await asyncio.gather(store.close(), store.close())

    await store.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        await store.list_runs()


async def test_a_cancelled_close_completes(store: SqliteRunStore, data_dir: Path) -> None:
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing

    await store.close()

    assert not (data_dir / "solorun.db-wal").exists()


async def test_text_that_cannot_be_stored_is_a_store_failure(store: SqliteRunStore) -> None:
    run = await start(store)
    batch = batch_of(run, end=ending(Status.FAILED, "\ud800"))

    with pytest.raises(StoreFailure, match="surrogates"):
        await store.commit([Batch(batch.run, None, (), batch.ending)], owner=OWNER)


async def _read_meanwhile(store: SqliteRunStore) -> None:
    """Let a write reach the foreign lock: these reads take turns with it on the event loop."""
    for _ in range(50):
        await store.list_runs()


async def _limit_pages(writer: Connection, pages: int) -> None:
    await writer.maintain(lambda raw: raw.execute(f"PRAGMA max_page_count = {pages}").fetchall())


def _incompressible(count: int) -> list[Record]:
    return [
        Record(record.seq, record.time, record.level, None, record.stream, os.urandom(8000).hex())
        for record in records(1, count)
    ]
