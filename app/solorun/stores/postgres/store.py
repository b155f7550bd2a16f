"""PostgresRunStore: the contract of `store/` over a few connections to a PostgreSQL server."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, ParamSpec, TypeVar

from solorun.errors import BackupUnavailable, DatabaseUnusable, StoreFailure, StoreUnavailable
from solorun.store import Finding
from solorun.stores.postgres import workers, writes
from solorun.stores.postgres.connections import BEGIN_IN_TURN, BEGIN_READ, BEGIN_WRITE, Connections, Function
from solorun.stores.postgres.doctor import check
from solorun.stores.postgres.lease import LEASE_SECONDS, PostgresLease
from solorun.stores.postgres.param_cipher import ParamCipher
from solorun.stores.postgres.schema import migrate
from solorun.stores.sql.probe import WriteProbe
from solorun.stores.sql.rows import to_microseconds
from solorun.stores.sql.store import SqlRunStore
from solorun.stores.sql.transactions import reading, writing
from solorun.worker import Worker

P = ParamSpec("P")
T = TypeVar("T")

_WRITER_COUNT: Final = 4
_READER_COUNT: Final = 4


class PostgresRunStore(SqlRunStore):
    """Runs, their steps and their logs in a database that several services may use."""

    lease_seconds = LEASE_SECONDS

    def __init__(self, url: str, cipher: ParamCipher | None = None) -> None:
        cipher = cipher or ParamCipher()
        super().__init__(cipher.encrypt, cipher.decrypt)
        self._url = url
        self._writers = Connections(url, begin=BEGIN_WRITE, count=_WRITER_COUNT)
        self._readers = Connections(url, begin=BEGIN_READ, count=_READER_COUNT)
        self._probe = WriteProbe(self._writers, lambda: self._writers.transact(writes.write_without_effect))

    @classmethod
    async def open(cls, url: str, cipher: ParamCipher | None = None) -> "PostgresRunStore":
        """Connect to the database, and migrate it to this version. Raises DatabaseUnusable.

        Without a `cipher`, no run with secret parameters can be queued.
        """
        store = cls(url, cipher)
        try:
            await store._writers.transact(migrate)
        except (StoreUnavailable, StoreFailure) as error:
            await store.close()
            raise DatabaseUnusable(f"The database cannot be opened: {error.__cause__ or error}") from error
        except BaseException:
            await store.close()
            raise
        return store

    reserve_run_ids = writing(writes.reserve_run_ids)

    async def open_backup(self) -> int:
        raise BackupUnavailable("The runs are in PostgreSQL. Back it up with pg_dump, and restore it with pg_restore.")

    def open_lease(self, worker: Worker) -> PostgresLease:
        return PostgresLease(self._url, worker, seconds=self.lease_seconds)

    list_runs_of_predecessors = reading(workers.list_runs_of_predecessors)
    end_leases_of_predecessors = writing(workers.end_leases_of_predecessors)
    list_workers = reading(workers.list_workers)
    notify = writing(workers.notify)
    request_drain = writing(workers.request_drain)

    @property
    def write_error(self) -> str | None:
        return self._writers.error

    async def reclaim_space(self) -> bool:
        """Autovacuum makes the space of deleted rows available to new ones."""
        return False

    async def check(self, *, repair: bool = False) -> list[Finding]:
        now = to_microseconds(datetime.now(UTC)) or 0
        return await self._writers.transact(check, now=now, repair=repair, decrypt=self._decrypt)

    async def _write_prepared(self, prepare: Callable[[], Function[[], T]], *, in_turn: bool = False) -> T:
        try:
            return await self._writers.transact_prepared(prepare, begin=BEGIN_IN_TURN if in_turn else None)
        except (StoreUnavailable, StoreFailure):
            self._probe.record_failure()
            raise

    async def _read(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._readers.transact(function, *args, **kwargs)

    @property
    def _is_reading(self) -> bool:
        return self._readers.waiting > 0

    async def _close(self) -> None:
        await self._probe.stop()
        await self._readers.close()
        await self._writers.close()
