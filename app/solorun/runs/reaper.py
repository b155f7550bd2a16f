"""Ends active rows that no task works for: runs of earlier owners, and starts that failed after their commit."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from solorun.component import failures_logged
from solorun.execution import RunRegistry, TaskSet
from solorun.outcome import Outcome
from solorun.record import Level, Record, Stream
from solorun.run import Cancel, LevelCounts, Run
from solorun.runs.queue import RunQueue
from solorun.segment import Segment
from solorun.status import Status
from solorun.step import StepExecutor
from solorun.store import FinalState, NewRun, Store
from solorun.wire.encoding import encode_records
from solorun.worker import Worker

_UNKNOWN: Final = "the outcome of the work is unknown"
_ENDED: Final = "its processes have ended, and the outcome is unknown"
"""Where they ran on this machine: those of another one are not seen."""

WATCH_SECONDS: Final = 3.0

UNCONFIRMED: Final = "its start was not confirmed by the database"
TOO_LATE: Final = "the database answered too late"

_ACTOR: Final = "solorun"
"""`cancel_requested_by` of a queued run that could not be confirmed."""

HandOver = Callable[[Run], Awaitable[Run]]

_logger = logging.getLogger("solorun.runs")


@dataclass(kw_only=True, eq=False)
class Reaper:
    """Ends these runs, and so frees their projects. Retries until the store can be written."""

    store: Store
    registry: RunRegistry
    tasks: TaskSet
    executor: StepExecutor
    queue: RunQueue
    owner: str
    now: Callable[[], datetime]
    retry_seconds: float = 0.5

    def __post_init__(self) -> None:
        self._unfinished: set[asyncio.Task[None]] = set()
        self._unconfirmed: set[tuple[str, datetime]] = set()
        """The starts whose runs, if they exist, must not begin."""

    async def release_predecessors(self, worker: Worker) -> None:
        """End the leases of earlier processes with our data directory, whose lock proves that they are dead.

        Otherwise, their projects would stay busy until the leases expire. The processes of their runs end first,
        because any service may end a run without a lease.
        """
        async with asyncio.TaskGroup() as group:
            for run_id in await self.store.list_runs_of_predecessors(worker):
                group.create_task(self.executor.kill_orphans(run_id), name=f"orphans of run {run_id}")
        await self.store.end_leases_of_predecessors(worker)

    async def recover(self, *, shares_database: bool = False) -> list[Run]:
        """End every active run of an earlier owner, or without a lease if other processes use the database, and return
        these runs as they were. Call it before any start.

        A run's processes end before its row does: until then, the row holds the project. Raises StoreUnavailable.
        """
        orphaned = await self.store.list_orphaned_runs(self.owner)
        try:
            async with asyncio.TaskGroup() as group:
                for run in orphaned:
                    stopped = f"the worker {run.worker}" if shares_database else "the service"
                    outcome = _UNKNOWN if shares_database else _ENDED
                    group.create_task(self._recover(run, stopped, outcome), name=f"recovery of run {run.id}")
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return orphaned

    async def recover_now_or_later(self) -> None:
        """Like `recover`, for a database that several services use. What cannot be ended is left to `watch`."""
        with failures_logged(_logger, "Orphaned runs cannot be ended; retrying"):
            if await self.recover(shares_database=True):
                self.registry.notify_released()

    async def watch(self) -> None:
        """Recover what other services leave, for as long as this one runs. For a database that several of them use."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.recover_now_or_later()

    def finalize_later(self, run: Run, why: str) -> None:
        """End a run that cannot be started: `cancelled` if that was requested, else `failed`. In the background,
        retrying until the store can be written.
        """
        self._spawn(lambda: self._finalize(run, why), name=f"finalization of run {run.id}")

    async def give_up(self, run: Run, why: str) -> bool:
        """End a run whose start was not acknowledged: `cancelled` if it is queued or that was requested, else `failed`.
        The start can be repeated with its key.

        False if another service has answered a repetition with the run: then it must begin.
        """
        now = self.now()
        cancel = Cancel(now, _ACTOR, why)
        if not await self.store.give_up_start(run.id, owner=self.owner, ending=_failed(why, now), cancel=cancel):
            return False
        if not (await self._publish(run.id)).has_ended and run.status is Status.QUEUED:
            # Another service has just begun it.
            await self.store.request_cancel(run.id, cancel)
        return True

    def give_up_later(self, run: Run, why: str, hand_over: HandOver) -> None:
        """Like `give_up`, but in the background, retrying until the store can be written. `hand_over` lets the run
        begin, if it must; it is called with the start lock held.
        """
        self._unconfirmed.add((run.project, run.created_at))
        self._spawn(lambda: self._give_up(run, why, hand_over), name=f"finalization of run {run.id}")

    def give_up_start_later(self, new: NewRun, why: str, hand_over: HandOver) -> None:
        """Like `give_up_later`, for the run that a start may have inserted."""
        self._unconfirmed.add((new.project, new.created_at))
        self._spawn(lambda: self._give_up_start(new, why, hand_over), name=f"finalization in {new.project}")

    def is_unconfirmed(self, run: Run) -> bool:
        """Whether the run is of a start that was not confirmed. Another service may have inserted a run of the project,
        but not at the same microsecond.
        """
        return (run.project, run.created_at) in self._unconfirmed and not self.is_known(run.id)

    def is_known(self, run_id: int) -> bool:
        """Whether the run was started here, or is executed here."""
        return self.registry.find(run_id) is not None or self.queue.find_start(run_id) is not None

    async def wait_until_done(self) -> None:
        """Wait until every run that was handed over has been ended."""
        while self._unfinished:
            await asyncio.wait(self._unfinished)

    async def _recover(self, run: Run, stopped: str, outcome: str) -> None:
        await self.executor.kill_orphans(run.id)
        message = f"{stopped} stopped while the run was active; {outcome}"
        ending = FinalState(Outcome(Status.INTERRUPTED, message), self.now())
        closing = warning_segment(run, message, ending.finished_at)
        await self.store.finalize_run(run.id, owner=None, ending=ending, closing=closing)
        text = "%s was %s when %s stopped; it is now interrupted"
        _logger.warning(text, run.label, run.status, stopped, extra=run.log_fields)

    async def _finalize(self, run: Run, why: str) -> None:
        now = self.now()
        ending = _failed(why, now) if run.cancel is None else FinalState(Outcome(Status.CANCELLED), now)
        await self.store.finalize_run(run.id, owner=self.owner, ending=ending)
        await self._publish(run.id)

    async def _give_up(self, run: Run, why: str, hand_over: HandOver) -> None:
        if not await self.give_up(run, why):
            async with self.registry.start_lock:
                await self._hand_over(run, hand_over)
        self._unconfirmed.discard((run.project, run.created_at))

    async def _give_up_start(self, new: NewRun, why: str, hand_over: HandOver) -> None:
        async with self.registry.start_lock:
            for run in [await self.store.find_active_run(new.project), *await self.store.list_queued_runs()]:
                if run is not None and self.is_unconfirmed(run) and not await self.give_up(run, why):
                    await self._hand_over(run, hand_over)
            self._unconfirmed.discard((new.project, new.created_at))

    async def _hand_over(self, run: Run, hand_over: HandOver) -> None:
        current = await self.store.get_run(run.id)
        if not current.has_ended and not self.is_known(run.id):
            await hand_over(current)

    async def _publish(self, run_id: int) -> Run:
        """The run as it is in the store. If it has ended, its readers and those that wait for its project see that."""
        run = await self.store.get_run(run_id)
        if run.has_ended:
            self.queue.end(run)
        self.registry.notify_released()
        return run

    def _spawn(self, finalize: Callable[[], Coroutine[Any, Any, None]], *, name: str) -> None:
        task = self.tasks.spawn(self._retry(finalize), name=name)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)

    async def _retry(self, finalize: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await finalize()
            except Exception:  # noqa: BLE001 - the store cannot be written: retry
                await asyncio.sleep(self.retry_seconds)
            else:
                return


def _failed(why: str, at: datetime) -> FinalState:
    return FinalState(Outcome(Status.FAILED, f"it could not be started: {why}"), at)


def warning_segment(run: Run, message: str, at: datetime) -> Segment:
    """A record at the end of the log of a run that no process works for."""
    seq = run.last_seq + 1
    record = Record(seq, at, Level.WARNING, run.current_step, Stream.SOLORUN, message)
    return Segment(run.id, seq, seq, encode_records([record]), LevelCounts(warning=1))
