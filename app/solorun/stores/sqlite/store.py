"""SqliteRunStore: the contract of `store/` over one connection that writes and three that read."""

import asyncio
import logging
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from solorun.errors import BackupUnavailable, DatabaseUnusable, StoreFailure, StoreUnavailable
from solorun.idempotency_key import IdempotencyKey
from solorun.run import Run
from solorun.store import Finding, KeyedRun, NewRun, RunNotice
from solorun.stores.sql.probe import WriteProbe
from solorun.stores.sql.rows import to_microseconds
from solorun.stores.sql.store import SqlRunStore
from solorun.stores.sql.transactions import Function, P, T, writing
from solorun.stores.sql.unmasked_params import count_unmasked
from solorun.stores.sqlite.backup import delete_unfinished_copies, open_copy
from solorun.stores.sqlite.checkpointer import Checkpointer
from solorun.stores.sqlite.connection import LOCK_TIMEOUT_SECONDS, Connection
from solorun.stores.sqlite.doctor import check
from solorun.stores.sqlite.recent_keys import RecentKeys
from solorun.stores.sqlite.run_ids import find_last_run_id, reserve_run_ids
from solorun.stores.sqlite.schema import migrate_alone, write_without_effect
from solorun.stores.sqlite.shrinking import shrink
from solorun.stores.sqlite.version_check import describe_wal_reset_bug
from solorun.worker import Worker, WorkerStatus

_logger = logging.getLogger("solorun.stores")

FILE_NAME: Final = "solorun.db"
_READER_COUNT: Final = 3


class SqliteRunStore(SqlRunStore):
    """Runs, their steps and their logs in `solorun.db`."""

    def __init__(self, path: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> None:
        super().__init__()
        self._path = path
        self._is_copying = False
        self._writer = Connection.writer(path, lock_timeout_seconds=lock_timeout_seconds)
        self._readers = [
            Connection.reader(path, lock_timeout_seconds=lock_timeout_seconds) for _ in range(_READER_COUNT)
        ]
        self._recent_keys = RecentKeys()
        self._secret_count = 0
        self._checkpointer = Checkpointer(path, self._writer)
        self._probe = WriteProbe(self._writer, lambda: self._writer.transact(write_without_effect))

    @classmethod
    async def open(cls, data_dir: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> "SqliteRunStore":
        """Open the database in `data_dir`, creating both if necessary, and migrate it to this version.

        A write waits up to `lock_timeout_seconds` for another program's lock. Raises DatabaseUnusable.
        """
        path = data_dir / FILE_NAME
        store = cls(path, lock_timeout_seconds=lock_timeout_seconds)
        try:
            is_new = await asyncio.to_thread(_create_private, path)
            await asyncio.to_thread(delete_unfinished_copies, path)
            await store._writer.open()
            await store._writer.execute(migrate_alone)
            await store._writer.execute(store._recent_keys.load)
            store._secret_count = await store._writer.execute(count_unmasked)
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
        # A killed service may have left secrets in the write-ahead log that it had just erased.
        store._checkpointer.empty_soon()
        return store

    reserve_run_ids = writing(reserve_run_ids)

    async def insert_run(self, new: NewRun, *, owner: str) -> Run:
        if new.key is not None:
            self._recent_keys.add(new.project, new.key.hash, new.created_at)
        return await super().insert_run(new, owner=owner)

    async def record_key(self, project: str, key: IdempotencyKey, run_id: int, *, at: datetime) -> None:
        self._recent_keys.add(project, key.hash, at)
        await super().record_key(project, key, run_id, at=at)

    async def find_run_by_key(self, project: str, key: IdempotencyKey, *, at: datetime) -> KeyedRun | None:
        if not self._recent_keys.may_contain(project, key.hash):
            return None
        return await super().find_run_by_key(project, key, at=at)

    async def open_backup(self) -> int:
        if self._is_copying:
            raise BackupUnavailable("Another backup is in progress.")
        self._is_copying = True
        try:
            await self._writer.maintain(lambda _: None)  # Fails if the file was moved, deleted or replaced.
            return await open_copy(self._path)
        finally:
            self._is_copying = False

    async def find_last_run_id(self) -> int:
        """The largest id that any run has had, even if that run was deleted; 0 if there was none."""
        return await self._writer.execute(find_last_run_id)

    def open_lease(self, worker: Worker) -> None:
        """The lock of the data directory is the lease."""

    async def list_runs_of_predecessors(self, worker: Worker) -> list[int]:  # noqa: ARG002
        """Every earlier owner was a process with this data directory, and had no lease."""
        return []

    async def end_leases_of_predecessors(self, worker: Worker) -> None:
        pass

    async def list_workers(self) -> list[WorkerStatus]:
        """The service itself is the only process that executes runs, and is not listed."""
        return []

    async def notify(self, notice: RunNotice) -> None: ...

    async def request_drain(self, worker_id: str) -> bool:  # noqa: ARG002
        return False

    @property
    def write_error(self) -> str | None:
        return self._writer.error

    reclaim_space = writing(shrink)

    async def check(self, *, repair: bool = False) -> list[Finding]:
        now = to_microseconds(datetime.now(UTC)) or 0
        return await self._writer.execute(check, now=now, repair=repair)

    async def _write_prepared(self, prepare: Callable[[], Function[[], T]], *, in_turn: bool = False) -> T:  # noqa: ARG002
        """Only one connection writes, so writes never overlap. Empties the write-ahead log after a secret is erased."""

        def write(connection: sqlite3.Connection) -> tuple[T, int]:
            function = prepare()
            return self._writer.in_transaction(
                connection, lambda connection: (function(connection), count_unmasked(connection))
            )

        self._checkpointer.record_write()
        try:
            result, secret_count = await self._writer.execute(write)
        except (StoreUnavailable, StoreFailure):
            self._probe.record_failure()
            raise
        if secret_count < self._secret_count:
            self._checkpointer.empty_soon()
        self._secret_count = secret_count
        return result

    async def _read(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await min(self._readers, key=lambda reader: reader.waiting).transact(function, *args, **kwargs)

    @property
    def _is_reading(self) -> bool:
        return any(reader.waiting for reader in self._readers)

    async def _close(self) -> None:
        self._writer.stop_waiting()
        # The writer closes last: the last connection to close checkpoints, and only the writer may do that.
        for reader in self._readers:
            await reader.close()
        await self._probe.stop()
        await self._checkpointer.stop()
        await self._writer.close()


def _create_private(path: Path) -> bool:
    """Create the database file, for its owner only; SQLite gives its other files the same mode. Refuses a link.

    Returns whether the file is new.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.is_symlink():
        raise OSError("it is a symbolic link")
    is_new = not path.exists()
    path.touch(0o600)
    path.chmod(0o600)
    return is_new
