"""SqliteRunStore: the contract of `store.py` over one connection that writes and three that read."""

import asyncio
import logging
import sqlite3
import sys
from collections.abc import Awaitable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import anyio

from solorun.errors import DatabaseUnusable, StoreFailure, StoreUnavailable
from solorun.idempotency_key import IdempotencyKey
from solorun.queueing import Hold
from solorun.record import LogPage
from solorun.run import Run
from solorun.segment import Segment
from solorun.status import Status, UpdateResult
from solorun.store import MAX_PAGE_RECORDS, Batch, FinalState, Finding, KeyedRun, LogQuery, NewRun, Store
from solorun.stores.sqlite import idempotency_keys, log_queries, reads, starts, writes
from solorun.stores.sqlite.checkpointer import Checkpointer
from solorun.stores.sqlite.connection import LOCK_TIMEOUT_SECONDS, Connection, Function
from solorun.stores.sqlite.doctor import check
from solorun.stores.sqlite.idempotency_keys import RecentKeys
from solorun.stores.sqlite.probe import WriteProbe
from solorun.stores.sqlite.rows import to_microseconds
from solorun.stores.sqlite.schema import migrate_alone
from solorun.stores.sqlite.segments import PAGE_RECORDS, StaleCompaction, apply_compaction, plan_compaction, read_page
from solorun.stores.sqlite.version_check import describe_wal_reset_bug

P = ParamSpec("P")
T = TypeVar("T")

_logger = logging.getLogger("solorun.stores")

FILE_NAME: Final = "solorun.db"
_READER_COUNT: Final = 3
_MAX_SCANS: Final = 2


class SqliteRunStore(Store):
    """Runs, their steps and their logs in `solorun.db`."""

    def __init__(self, path: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> None:
        self._writer = Connection.writer(path, lock_timeout_seconds=lock_timeout_seconds)
        self._readers = [
            Connection.reader(path, lock_timeout_seconds=lock_timeout_seconds) for _ in range(_READER_COUNT)
        ]
        self._checkpointer = Checkpointer(path, self._writer)
        self._probe = WriteProbe(self._writer)
        self._recent_keys = RecentKeys()
        self._scans = anyio.Semaphore(_MAX_SCANS)
        self._compaction_positions: dict[int, int] = {}
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, data_dir: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> "SqliteRunStore":
        """Open the database in `data_dir`, creating both if necessary, and migrate it to this version.

        A write waits up to `lock_timeout_seconds` for another program's lock. Raises DatabaseUnusable.
        """
        path = data_dir / FILE_NAME
        store = cls(path, lock_timeout_seconds=lock_timeout_seconds)
        try:
            is_new = await asyncio.to_thread(_create_private, path)
            await store._writer.open()
            await store._writer.execute(migrate_alone)
            for project, key_hash in await store._writer.execute(idempotency_keys.list_all):
                store._recent_keys.add(project, key_hash, datetime.now(UTC))
            for reader in store._readers:
                await reader.open()
        except (sqlite3.Error, OSError, StoreUnavailable, StoreFailure) as error:
            await store.close()
            raise DatabaseUnusable(f"The database {path} cannot be opened: {error}.") from error
        except BaseException:
            await store.close()
            raise
        if is_new and (warning := describe_wal_reset_bug()) and not (sys.stderr and sys.stderr.isatty()):
            # `solorun doctor` repeats it. A user who tries Solorun on a terminal has nothing to do about it.
            _logger.warning(warning)
        return store

    # -- writes, in the order of a run's life

    async def insert_run(self, new: NewRun, *, owner: str) -> Run:
        if new.key is not None:
            self._recent_keys.add(new.project, new.key.hash, new.created_at)
        return await self._write(self._writer.transact(starts.insert_run, new, owner))

    async def claim_promoted_runs(self, *, owner: str) -> list[Run]:
        return await self._write(self._writer.transact(starts.claim_promoted_runs, owner))

    async def declare_resources(self, slots: Mapping[str, int]) -> None:
        now = to_microseconds(datetime.now(UTC))
        await self._write(self._writer.transact(starts.declare_resources, slots, now))

    async def reserve_run_ids(self, last_id: int) -> bool:
        return await self._write(self._writer.transact(writes.reserve_run_ids, last_id))

    async def record_key(self, project: str, key: IdempotencyKey, run_id: int, *, at: datetime) -> None:
        self._recent_keys.add(project, key.hash, at)
        await self._write(self._writer.transact(idempotency_keys.record, project, key, run_id, at))

    async def request_cancel(
        self, run_id: int, *, requested_by: str, reason: str, at: datetime
    ) -> tuple[UpdateResult, Run]:
        return await self._write(self._writer.transact(writes.request_cancel, run_id, requested_by, reason, at))

    async def commit(self, batches: Sequence[Batch], *, owner: str) -> list[UpdateResult]:
        return await self._write(self._writer.execute(writes.commit, batches, owner))

    async def finalize_run(
        self,
        run_id: int,
        *,
        owner: str | None,
        expected: Collection[Status],
        ending: FinalState,
        closing: Segment | None = None,
        forget_key: bool = False,
    ) -> UpdateResult:
        return await self._write(
            self._writer.transact(writes.finalize_run, run_id, owner, expected, ending, closing, forget_key=forget_key)
        )

    # -- reads

    async def get_run(self, run_id: int) -> Run:
        return await self._read(reads.get_run, run_id)

    async def find_run_by_key(self, project: str, key: IdempotencyKey, *, at: datetime) -> KeyedRun | None:
        if not self._recent_keys.may_contain(project, key.hash):
            return None
        return await self._read(idempotency_keys.find_run, project, key, at)

    async def find_active_run(self, project: str) -> Run | None:
        return await self._read(reads.find_run, "select_active_run", {"project": project})

    async def find_latest_run(self, project: str) -> Run | None:
        return await self._read(reads.find_run, "select_latest_run", {"project": project})

    async def list_runs(
        self,
        *,
        project: str | None = None,
        statuses: Collection[Status] = (),
        before_id: int | None = None,
        limit: int = 50,
    ) -> list[Run]:
        return await self._read(reads.list_runs, project, statuses, before_id, limit)

    async def list_latest_runs(self) -> list[Run]:
        return await self._read(reads.load_runs, "list_latest_runs", {})

    async def list_queued_runs(self) -> list[Run]:
        return await self._read(reads.load_runs, "list_queued_runs", {})

    async def list_holds(self) -> list[Hold]:
        return await self._read(reads.list_holds)

    async def list_orphaned_runs(self, owner: str) -> list[Run]:
        return await self._read(reads.load_runs, "list_orphaned_runs", {"owner": owner})

    async def median_duration_seconds(self, project: str, scope: str) -> float | None:
        return await self._read(reads.median_duration_seconds, project, scope)

    async def read_segments(self, run_id: int, *, after: int, max_records: int = MAX_PAGE_RECORDS) -> list[Segment]:
        # A single reader of a whole log gets long pages, which saves thread switches. With several readers pages are
        # short, so that none waits long for another.
        is_alone = not any(reader.waiting for reader in self._readers)
        bound = max_records if is_alone else min(max_records, PAGE_RECORDS)
        return await self._read(read_page, run_id, after=after, max_records=bound)

    async def read_log(self, run_id: int, query: LogQuery) -> LogPage:
        return await log_queries.read_log(self._read, self._scans, run_id, query)

    # -- maintenance

    @property
    def write_error(self) -> str | None:
        return self._writer.error

    async def compact_segments(self, run_id: int) -> bool:
        after = self._compaction_positions.pop(run_id, 0)
        compaction = await self._read(plan_compaction, run_id, after=after)
        if compaction.replacements:
            try:
                await self._write(self._writer.transact(apply_compaction, compaction))
            except StaleCompaction:
                return True
        if compaction.more:
            self._compaction_positions[run_id] = compaction.position
        return compaction.more

    async def check(self, *, repair: bool = False) -> list[Finding]:
        now = to_microseconds(datetime.now(UTC)) or 0
        return await self._writer.execute(check, now=now, repair=repair)

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="solorun close store")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        # The writer closes last: the last connection to close checkpoints, and only the writer may do that.
        for reader in self._readers:
            await reader.close()
        await self._probe.stop()
        await self._checkpointer.stop()
        await self._writer.close()

    async def _write(self, write: Awaitable[T]) -> T:
        self._checkpointer.record_write()
        try:
            return await write
        except (StoreUnavailable, StoreFailure):
            self._probe.record_failure()
            raise

    async def _read(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await min(self._readers, key=lambda reader: reader.waiting).transact(function, *args, **kwargs)


def _create_private(path: Path) -> bool:
    """Create the database's file for its user alone; SQLite gives its other files the same mode. Never by a link.

    Returns whether the file is new.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.is_symlink():
        raise OSError("it is a symbolic link")
    is_new = not path.exists()
    path.touch(0o600)
    path.chmod(0o600)
    return is_new
