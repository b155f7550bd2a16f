"""SqlRunStore: the contract of `store/` over any SQL database. A subclass connects to one."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Final

import anyio

from solorun.parameter import ParamValue
from solorun.record import StoredLogPage
from solorun.run import Refusal, Run
from solorun.segment import Segment
from solorun.status import UpdateResult
from solorun.store import MAX_PAGE_RECORDS, Batch, LogQuery, NewRun, Store
from solorun.stores.sql import (
    hook_deliveries,
    idempotency_keys,
    log_queries,
    outbox,
    promotion,
    reads,
    retention,
    schedules,
    sessions,
    starts,
    writes,
)
from solorun.stores.sql.segments import PAGE_RECORDS, StaleCompaction, apply_compaction, plan_compaction, read_page
from solorun.stores.sql.transactions import SqlTransactions, reading, writing, writing_in_turn
from solorun.stores.sql.unmasked_params import Encrypt, read_unmasked

_MAX_SCANS: Final = 2
_keep: Final[Encrypt] = lambda _, text: text  # noqa: E731


class SqlRunStore(SqlTransactions, Store):
    """Runs, their steps and their logs in a database. Each call is one function that a thread executes."""

    def __init__(self, encrypt: Encrypt = _keep, decrypt: Encrypt = _keep) -> None:
        """`decrypt` may raise SecretsUnreadable."""
        self._encrypt = encrypt
        self._decrypt = decrypt
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

    # -- writes, in the order of a run's life

    _insert_run = writing_in_turn(starts.insert_run)

    async def insert_run(self, new: NewRun, *, owner: str) -> Run:
        return await self._insert_run(new, owner, self._encrypt)

    claim_runs = writing(promotion.claim_runs)

    _return_run = writing(writes.return_run)
    _return_cancelled_run = writing_in_turn(writes.return_run)

    async def return_run(
        self, run_id: int, *, owner: str, refusals: Sequence[Refusal] = (), closing: Segment | None = None
    ) -> None:
        if not await self._return_run(run_id, owner, refusals, closing, is_cancelled=False):
            await self._return_cancelled_run(run_id, owner, refusals, closing, is_cancelled=True)

    take_step_slots = writing_in_turn(promotion.take_step_slots)
    release_step_slots = writing_in_turn(promotion.release_step_slots)
    declare_resources = writing_in_turn(promotion.declare_resources)

    record_key = writing_in_turn(idempotency_keys.record_join)
    acknowledge_start = writing_in_turn(idempotency_keys.acknowledge)

    request_cancel = writing_in_turn(writes.request_cancel)

    async def commit(self, batches: Sequence[Batch], *, owner: str) -> list[UpdateResult]:
        return await self._write_prepared(
            partial(writes.prepare_commit, batches, owner),
            in_turn=any(batch.ending is not None for batch in batches),
        )

    finalize_run = writing_in_turn(writes.finalize_run)
    give_up_start = writing_in_turn(writes.give_up_start)

    # -- reads

    get_run = reading(reads.get_run)
    find_run_by_key = reading(idempotency_keys.find_run)

    async def read_unmasked_params(self, run_id: int) -> dict[str, ParamValue]:
        return await self._read(read_unmasked, run_id, self._decrypt)

    find_active_run = reading(reads.find_active_run)

    async def find_latest_run(self, project: str) -> Run | None:
        return await self._read(reads.find_run, "select_latest_run", {"project": project})

    list_runs = reading(reads.list_runs)
    find_runs = reading(reads.find_runs)
    list_project_names = reading(reads.list_project_names)
    list_resources = reading(reads.list_resources)
    list_holds = reading(reads.list_holds)
    median_duration_seconds = reading(reads.median_duration_seconds)

    async def list_latest_runs(self) -> list[Run]:
        return await self._read(reads.load_runs, "list_latest_runs", {})

    async def list_queued_runs(self) -> list[Run]:
        return await self._read(reads.load_runs, "list_queued_runs", {})

    async def list_foreign_runs(self, owner: str) -> list[Run]:
        return await self._read(reads.load_runs, "list_foreign_runs", {"owner": owner})

    async def list_orphaned_runs(self, owner: str) -> list[Run]:
        return await self._read(reads.load_runs, "list_orphaned_runs", {"owner": owner})

    async def read_segments(self, run_id: int, *, after: int, max_records: int = MAX_PAGE_RECORDS) -> list[Segment]:
        # A single reader of a whole log gets long pages, which saves thread switches. With several readers pages are
        # short, so that none waits long for another.
        bound = min(max_records, PAGE_RECORDS) if self._is_reading else max_records
        return await self._read(read_page, run_id, after=after, max_records=bound)

    async def read_log(self, run_id: int, query: LogQuery) -> StoredLogPage:
        return await log_queries.read_log(self._read, self._scans, run_id, query)

    # -- deliveries of hooks and notifications

    record_delivery = writing(hook_deliveries.record_delivery)
    list_last_deliveries = reading(hook_deliveries.list_last_deliveries)

    add_notification = writing(outbox.add_notification)
    list_due_targets = reading(outbox.list_due_targets)
    claim_deliveries = writing(outbox.claim_deliveries)
    release_deliveries = writing(outbox.release_deliveries)
    record_attempt = writing(outbox.record_attempt)
    get_delivery = reading(outbox.get_delivery)
    list_deliveries = reading(outbox.list_deliveries)
    redeliver = writing(outbox.redeliver)
    count_pending_deliveries = reading(outbox.count_pending_deliveries)
    give_up_deliveries = writing(outbox.give_up_deliveries)
    delete_deliveries = writing(outbox.delete_deliveries)

    # -- schedules

    register_schedules = writing_in_turn(schedules.register)
    load_schedule = reading(schedules.load)
    pause_schedule = writing_in_turn(schedules.pause)
    resume_schedule = writing_in_turn(schedules.resume)
    end_lateness = writing_in_turn(schedules.end_lateness)
    record_firing = writing_in_turn(schedules.record_firing)
    list_unsettled_firings = reading(schedules.list_unsettled_firings)
    settle_firings = writing_in_turn(schedules.settle_firings)
    list_firings = reading(schedules.list_firings)
    list_last_firings = reading(schedules.list_last_firings)
    list_schedules = reading(schedules.list_states)

    # -- sessions

    insert_session = writing(sessions.insert)
    has_session = reading(sessions.has)
    delete_session = writing(sessions.delete)
    count_sessions = reading(sessions.count)

    # -- retention

    set_pinned = writing(retention.set_pinned)
    list_ended_runs = reading(retention.list_ended_runs)
    measure_logs = reading(retention.measure_logs)
    expire_runs = writing(retention.expire_runs)
    delete_expired = writing(retention.delete_expired)
    list_deleted_runs = reading(retention.list_deleted_runs)
    forget_deleted_runs = writing(retention.forget_deleted_runs)

    # -- maintenance

    _compact = writing(apply_compaction)

    async def compact_segments(self, run_id: int) -> bool:
        after = self._compaction_positions.pop(run_id, 0)
        compaction = await self._read(plan_compaction, run_id, after=after)
        if compaction.replacements:
            try:
                await self._compact(compaction)
            except StaleCompaction:
                return True
        if compaction.more:
            self._compaction_positions[run_id] = compaction.position
        return compaction.more

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="solorun close store")
        await asyncio.shield(self._closing)
