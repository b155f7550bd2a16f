"""The contract of `retention.py` over SQL."""

from collections.abc import Collection
from datetime import datetime

from solorun.retention import DeletedRun, Deletion, EndedRun, RetentionStore
from solorun.run import Run
from solorun.stores.sql import retention
from solorun.stores.sql.transactions import SqlTransactions


class SqlRetentionStore(SqlTransactions, RetentionStore):
    async def set_pinned(self, run_id: int, pinned: bool) -> Run:
        return await self._write(retention.set_pinned, run_id, pinned)

    async def list_ended_runs(self, project: str, *, before_id: int | None = None, limit: int) -> list[EndedRun]:
        return await self._read(retention.list_ended_runs, project, before_id, limit)

    async def measure_logs(self, run_ids: Collection[int]) -> dict[int, int]:
        return await self._read(retention.measure_logs, run_ids)

    async def expire_runs(self, run_ids: Collection[int], *, at: datetime) -> list[int]:
        return await self._write(retention.expire_runs, run_ids, at)

    async def delete_expired(self, *, at: datetime) -> Deletion:
        return await self._write(retention.delete_expired, at)

    async def list_deleted_runs(self, *, after: DeletedRun | None = None, limit: int) -> list[DeletedRun]:
        return await self._read(retention.list_deleted_runs, after, limit)

    async def forget_deleted_runs(self, *, before: datetime) -> None:
        await self._write(retention.forget_deleted_runs, before)
