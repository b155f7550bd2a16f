"""Begins the pending runs that no process has claimed, and cancels queued ones that have waited too long."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

import anyio
from msgspec.structs import replace

from solorun.component import Background, failures_logged
from solorun.errors import DeclaredDifferently, SecretsUnreadable, SolorunError, StoreUnavailable
from solorun.execution import AdmittedStart, RunExecutor, RunRegistry
from solorun.logs import Masker
from solorun.outcome import StopReason
from solorun.project import Projects
from solorun.run import Cancel, Refusal, Run
from solorun.runs.admission import Admission
from solorun.runs.queue import QueuedRun, RunQueue
from solorun.runs.reaper import UNCONFIRMED, Reaper, warning_segment
from solorun.runs.resource_declarations import ResourceDeclarations
from solorun.status import Status
from solorun.store import Store
from solorun.worker import Worker

QUEUE_ACTOR: Final = "solorun"
"""`cancel_requested_by` of a run that has waited too long."""
MAX_WAIT_SECONDS: Final = 60.0
"""The clock may be set: deadlines are looked at again after this time."""
POLL_SECONDS: Final = 2.0
"""The same if other processes use the database, whose notices may be lost."""
REFUSAL_SECONDS: Final = 60.0
"""How long a run that cannot begin here is left to other processes. Then it fails."""
_MAX_CLAIMS: Final = 1_000
"""How many pending runs are looked at after a claim whose answer was lost."""
_MAX_REFUSALS: Final = 10
"""How many refusals a run keeps. A worker that is started again may refuse it again."""

_logger = logging.getLogger("solorun.runs")

Result = TypeVar("Result")


@dataclass(kw_only=True, eq=False)
class Dispatcher(Background):
    """A Component. It looks when something was released, and when the deadline of a queued run passes.

    A run that this process cannot execute is left to another one. `draining` is set when it may take no new runs.
    """

    task_name = "dispatcher"

    store: Store
    registry: RunRegistry
    executor: RunExecutor
    reaper: Reaper
    projects: Projects
    admission: Admission
    queue: RunQueue
    resources: ResourceDeclarations
    worker: Worker
    draining: asyncio.Event
    shares_database: bool
    keeps_queue: bool
    """Look after the queued runs, too. A worker leaves them to the services."""
    now: Callable[[], datetime]
    retry_seconds: float = 0.5

    def __post_init__(self) -> None:
        self._refused: dict[int, datetime] = {}
        """When each run that was refused here fails, unless another process has claimed it."""

    async def start(self) -> None:
        """Load the queue that an earlier service left. Raises StoreUnavailable, unless others use the database too."""
        try:
            if self.keeps_queue:
                await self.resources.declare()
                for run in await self.store.list_queued_runs():
                    self.queue.add(run)
            await self._begin_promoted()
        except StoreUnavailable as error:
            if not self.shares_database:
                raise
            _logger.warning("The queue cannot be read; retrying: %s", error)
        await super().start()

    def takes(self, labels: tuple[str, ...]) -> bool:
        """Whether a new run with these labels is executed here. If not, it is left to a worker."""
        return self.worker.covers(labels) and self._may_begin

    async def hand_over(self, run: Run) -> Run:
        """Leave a pending run of ours to a worker. Returns it as it is then.

        If the answer of the database is lost, a worker may have begun the run, so this is repeated until it responds.
        """
        with self.registry.leaving(run.id):
            try:
                await self._retry(lambda: self.store.return_run(run.id, owner=self.worker.id))
            except SolorunError:
                self.reaper.give_up_later(run, UNCONFIRMED, self.hand_over)
                raise
        return replace(run, worker=None)

    async def begin(self, start: AdmittedStart, run: Run, masker: Masker) -> None:
        """Hand a pending run of ours to its executor. The caller holds the start lock."""
        handle = self.executor.claim(start, run, masker)
        if run.cancel is not None:
            handle.request_cancel(run.cancel)
            handle.cancel_recorded.set()
        if self.admission.draining:
            handle.cancel_scope.cancel(StopReason.SHUTDOWN)
        await self.executor.execute(handle)

    async def begin_promoted(self) -> None:
        """Begin the runs that no process has claimed. The caller holds the start lock. Raises StoreUnavailable."""
        if self.admission.draining:
            return  # the next service begins them
        try:
            if self.queue.in_doubt:
                await self._reconcile()
            for run in await self._claim():
                if self.admission.draining:
                    await self.store.return_run(run.id, owner=self.worker.id)
                else:
                    await self._begin(run)
        except Exception:
            # The claim may have been committed, or includes runs that have not begun.
            self.queue.in_doubt = True
            self.registry.notify_released()
            raise

    @property
    def _may_begin(self) -> bool:
        return self.registry.has_lease and not self.draining.is_set()

    async def _claim(self) -> list[Run]:
        worker = self.worker
        free = None if worker.capacity is None else worker.capacity - len(self.registry)
        if not self._may_begin or (free is not None and free <= 0):
            return []
        now = self.now()
        refused = [run_id for run_id, until in self._refused.items() if until > now]
        return await self.store.claim_runs(owner=worker.id, labels=worker.labels, limit=free, refused=refused)

    async def _run(self) -> None:
        with self.registry.watch_releases() as released:
            released.set()
            while True:
                with anyio.move_on_after(self._seconds_to_wait()):
                    await released.wait()
                released.clear()
                with failures_logged(_logger, "The queue cannot be read; retrying"):
                    await self._dispatch()
                    continue
                await asyncio.sleep(self.retry_seconds)
                released.set()

    async def _dispatch(self) -> None:
        if self.admission.draining or not (self.queue or self.shares_database):
            return
        if self.keeps_queue:
            await self.resources.declare()
        await self._begin_promoted()
        for queued in self.queue:
            await self._look_at(queued)
        self.queue.refresh()

    async def _begin_promoted(self) -> None:
        async with self.registry.start_lock:
            await self.begin_promoted()

    async def _reconcile(self) -> None:
        """End the runs that the store no longer has as queued, and give up claims whose answer was lost."""
        self.queue.in_doubt = False
        stored = {run.id for run in await self.store.list_queued_runs()}
        for queued in self.queue:
            if queued.run.id in stored:
                continue
            run = await self.store.get_run(queued.run.id)
            if run.has_ended:
                self.queue.end(run)
            else:
                await self.store.return_run(run.id, owner=self.worker.id)
        if self.shares_database:
            for run in await self.store.list_runs(statuses=[Status.PENDING], limit=_MAX_CLAIMS):
                is_ours = run.worker == self.worker.id and not self.reaper.is_known(run.id)
                if is_ours and not self.reaper.is_unconfirmed(run):
                    await self.store.return_run(run.id, owner=self.worker.id)

    async def _begin(self, run: Run) -> None:
        if self.reaper.is_unconfirmed(run) and await self.reaper.give_up(run, UNCONFIRMED):
            return
        start = self.queue.take(run)
        try:
            start = start or await self._admit_again(run)
            masker = self.executor.masker_for(start)
        except (DeclaredDifferently, SecretsUnreadable) as error:
            await self._refuse(run, error)
            return
        except SolorunError as error:
            self.reaper.finalize_later(run, str(error))
            return
        await self.begin(start, run, masker)

    async def _admit_again(self, run: Run) -> AdmittedStart:
        """Raises SolorunError, DeclaredDifferently if another process may have the declaration of the run."""
        params = await self._retry(lambda: self.store.read_unmasked_params(run.id))
        if not self.shares_database:
            return self.admission.admit_again(run, params)
        await self.projects.refresh()  # It may have been started with a newer configuration.
        try:
            start = self.admission.admit_again(run, params)
        except SolorunError as error:
            raise DeclaredDifferently(f"{self.worker.host} declares the project differently: {error}") from error
        if run.pipeline not in (None, start.pipeline):
            raise DeclaredDifferently(
                f"{self.worker.host} declares another version of its steps ({start.pipeline}) than the run was started "
                f"with ({run.pipeline}); use the same solorun.toml on every host"
            )
        return start

    async def _refuse(self, run: Run, error: SolorunError) -> None:
        """Leave the run to other processes for a time. Then end it, unless one of them has had no free place."""
        now = self.now()
        is_repeated = run.id in self._refused
        if is_repeated and not await self._retry(lambda: self._waits_for_place(run)):
            del self._refused[run.id]
            self.reaper.finalize_later(run, str(error))
            return
        # One whose time is over stays until it is claimed again, which may be a moment later.
        forgotten = now - timedelta(seconds=REFUSAL_SECONDS)
        self._refused = {run_id: until for run_id, until in self._refused.items() if until > forgotten}
        self._refused[run.id] = now + timedelta(seconds=REFUSAL_SECONDS)
        refusals: tuple[Refusal, ...] = ()
        closing = None
        if not is_repeated:
            _logger.warning("%s is refused: %s", run.label, error, extra=run.log_fields)
            refusals = (*run.refusals, Refusal(self.worker.id, now, str(error)))[-_MAX_REFUSALS:]
            closing = warning_segment(run, f"refused by {self.worker.id}: {error}", now)
        await self._retry(
            lambda: self.store.return_run(run.id, owner=self.worker.id, refusals=refusals, closing=closing)
        )

    async def _waits_for_place(self, run: Run) -> bool:
        """Whether another worker might begin the run, but executes others. One with a free place has refused it."""
        workers = await self.store.list_workers()
        return any(
            worker.id != self.worker.id and worker.is_full and worker.can_begin(run.labels) for worker in workers
        )

    async def _retry(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Call until the store responds: a run that is ours is begun by no other process."""
        while True:
            try:
                return await call()
            except StoreUnavailable:
                await asyncio.sleep(self.retry_seconds)

    async def _look_at(self, queued: QueuedRun) -> None:
        run = queued.run
        if run.queue_deadline is not None and run.queue_deadline <= self.now():
            reason = "it waited in the queue for too long"
            _, run = await self.store.request_cancel(run.id, Cancel(self.now(), QUEUE_ACTOR, reason))
            if run.has_ended:
                _logger.info("%s: cancelled, because %s", run.label, reason, extra=run.log_fields)
                self.queue.end(run)
        elif not queued.is_estimated:
            queued.is_estimated = True
            queued.estimated_seconds = await self.store.median_duration_seconds(run.project, run.scope)

    def _seconds_to_wait(self) -> float:
        deadlines = [queued.run.queue_deadline for queued in self.queue if queued.run.queue_deadline is not None]
        longest = POLL_SECONDS if self.shares_database else MAX_WAIT_SECONDS
        if not deadlines:
            return longest
        return min(max(0.0, (min(deadlines) - self.now()).total_seconds()), longest)
