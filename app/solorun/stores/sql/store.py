"""SqlRunStore: the contract of `store.py` over any SQL database. A subclass connects to one."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

import anyio

from solorun.idempotency_key import IdempotencyKey
from solorun.key_store import KeyedRun
from solorun.parameter import ParamValue
from solorun.queueing import Hold, Slots, StartResult
from solorun.record import StoredLogPage
from solorun.run import Cancel, Refusal, Run
from solorun.segment import Segment
from solorun.status import Status, UpdateResult
from solorun.store import MAX_PAGE_RECORDS, Batch, FinalState, LogQuery, NewRun, Store
from solorun.stores.sql import idempotency_keys, log_queries, promotion, reads, starts, writes
from solorun.stores.sql.hook_store import SqlHookStore
from solorun.stores.sql.outbox_store import SqlOutbox
from solorun.stores.sql.retention_store import SqlRetentionStore
from solorun.stores.sql.rows import to_microseconds
from solorun.stores.sql.schedule_store import SqlScheduleStore
from solorun.stores.sql.segments import PAGE_RECORDS, StaleCompaction, apply_compaction, plan_compaction, read_page
from solorun.stores.sql.session_store import SqlSessionStore
from solorun.stores.sql.unmasked_params import read_unmasked

_MAX_SCANS: Final = 2


class SqlRunStore(SqlHookStore, SqlOutbox, SqlRetentionStore, SqlScheduleStore, SqlSessionStore, Store, ABC):
    """Runs, their steps and their logs in a database. Each call is one function that a thread executes."""

    def __init__(self) -> None:
        self._scans = anyio.Semaphore(_MAX_SCANS)
        self._compaction_positions: dict[int, int] = {}
        self._closing: asyncio.Task[None] | None = None

    # -- what a subclass implements

    @property
    @abstractmethod
    def _is_reading(self) -> bool:
        """Whether a read has not finished yet."""

    @abstractmethod
    async def _close(self) -> None:
        """Finish what has begun, then close."""

    # -- what a subclass may replace

    def _encrypt(self, run_id: int, text: str) -> str:  # noqa: ARG002
        return text

    def _decrypt(self, run_id: int, stored: str) -> str:  # noqa: ARG002
        """Raises SecretsUnreadable."""
        return stored

    # -- writes, in the order of a run's life

    async def insert_run(self, new: NewRun, *, owner: str) -> Run:
        return await self._write_in_turn(starts.insert_run, new, owner, self._encrypt)

    async def claim_runs(
        self,
        *,
        owner: str,
        labels: Collection[str] | None = None,
        limit: int | None = None,
        refused: Collection[int] = (),
    ) -> list[Run]:
        return await self._write(promotion.claim_runs, owner, labels, limit, refused)

    async def return_run(
        self, run_id: int, *, owner: str, refusals: Sequence[Refusal] = (), closing: Segment | None = None
    ) -> None:
        if not await self._write(writes.return_run, run_id, owner, refusals, closing, is_cancelled=False):
            await self._write_in_turn(writes.return_run, run_id, owner, refusals, closing, is_cancelled=True)

    async def take_step_slots(self, run_id: int, step: str, *, owner: str) -> Slots | None:
        now = to_microseconds(datetime.now(UTC))
        return await self._write_in_turn(promotion.take_step_slots, run_id, step, owner, now)

    async def release_step_slots(self, run_id: int, step: str) -> None:
        now = to_microseconds(datetime.now(UTC))
        await self._write_in_turn(promotion.release_step_slots, run_id, step, now)

    async def declare_resources(self, slots: Mapping[str, int]) -> None:
        await self._write_in_turn(promotion.declare_resources, slots, to_microseconds(datetime.now(UTC)))

    async def record_key(self, project: str, key: IdempotencyKey, run_id: int, *, at: datetime) -> None:
        await self._write_in_turn(idempotency_keys.record, project, key, run_id, StartResult.JOINED, at)

    async def acknowledge_start(self, project: str, key: IdempotencyKey, *, at: datetime) -> bool:
        return await self._write_in_turn(idempotency_keys.acknowledge, project, key, at)

    async def request_cancel(
        self, run_id: int, *, requested_by: str, reason: str, at: datetime, grace_seconds: float | None = None
    ) -> tuple[UpdateResult, Run]:
        cancel = Cancel(at, requested_by, reason, grace_seconds)
        return await self._write_in_turn(writes.request_cancel, run_id, cancel)

    async def commit(self, batches: Sequence[Batch], *, owner: str) -> list[UpdateResult]:
        return await self._write_prepared(
            partial(writes.prepare_commit, batches, owner),
            in_turn=any(batch.ending is not None for batch in batches),
        )

    async def finalize_run(
        self,
        run_id: int,
        *,
        owner: str | None,
        expected: Collection[Status],
        ending: FinalState,
        closing: Segment | None = None,
    ) -> UpdateResult:
        return await self._write_in_turn(writes.finalize_run, run_id, owner, expected, ending, closing)

    async def give_up_start(self, run_id: int, *, owner: str, ending: FinalState, cancel: Cancel) -> bool:
        return await self._write_in_turn(writes.give_up_start, run_id, owner, ending, cancel)

    # -- reads

    async def get_run(self, run_id: int) -> Run:
        return await self._read(reads.get_run, run_id)

    async def find_run_by_key(self, project: str, key: IdempotencyKey, *, at: datetime) -> KeyedRun | None:
        return await self._read(idempotency_keys.find_run, project, key, at)

    async def read_unmasked_params(self, run_id: int) -> dict[str, ParamValue]:
        return await self._read(read_unmasked, run_id, self._decrypt)

    async def find_active_run(self, project: str) -> Run | None:
        return await self._read(reads.find_run, "select_active_run", {"project": project})

    async def find_latest_run(self, project: str) -> Run | None:
        return await self._read(reads.find_run, "select_latest_run", {"project": project})

    async def list_runs(
        self,
        *,
        project: str | None = None,
        statuses: Collection[Status] = (),
        rerun_of: int | None = None,
        before_id: int | None = None,
        limit: int = 50,
    ) -> list[Run]:
        return await self._read(reads.list_runs, project, statuses, rerun_of, before_id, limit)

    async def find_runs(self, run_ids: Collection[int]) -> dict[int, Run]:
        return await self._read(reads.find_runs, run_ids)

    async def list_project_names(self) -> list[str]:
        return await self._read(reads.list_project_names)

    async def list_latest_runs(self) -> list[Run]:
        return await self._read(reads.load_runs, "list_latest_runs", {})

    async def list_queued_runs(self) -> list[Run]:
        return await self._read(reads.load_runs, "list_queued_runs", {})

    async def list_resources(self) -> dict[str, int]:
        return await self._read(reads.list_resources)

    async def list_holds(self) -> list[Hold]:
        return await self._read(reads.list_holds)

    async def list_foreign_runs(self, owner: str) -> list[Run]:
        return await self._read(reads.load_runs, "list_foreign_runs", {"owner": owner})

    async def list_orphaned_runs(self, owner: str) -> list[Run]:
        return await self._read(reads.load_runs, "list_orphaned_runs", {"owner": owner})

    async def median_duration_seconds(self, project: str, scope: str) -> float | None:
        return await self._read(reads.median_duration_seconds, project, scope)

    async def read_segments(self, run_id: int, *, after: int, max_records: int = MAX_PAGE_RECORDS) -> list[Segment]:
        # A single reader of a whole log gets long pages, which saves thread switches. With several readers pages are
        # short, so that none waits long for another.
        bound = min(max_records, PAGE_RECORDS) if self._is_reading else max_records
        return await self._read(read_page, run_id, after=after, max_records=bound)

    async def read_log(self, run_id: int, query: LogQuery) -> StoredLogPage:
        return await log_queries.read_log(self._read, self._scans, run_id, query)

    # -- maintenance

    async def compact_segments(self, run_id: int) -> bool:
        after = self._compaction_positions.pop(run_id, 0)
        compaction = await self._read(plan_compaction, run_id, after=after)
        if compaction.replacements:
            try:
                await self._write(apply_compaction, compaction)
            except StaleCompaction:
                return True
        if compaction.more:
            self._compaction_positions[run_id] = compaction.position
        return compaction.more

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="solorun close store")
        await asyncio.shield(self._closing)
