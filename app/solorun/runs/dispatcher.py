"""Begins the queued runs that the store has promoted, and cancels those that have waited too long."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import anyio

from solorun.errors import SolorunError, StoreUnavailable
from solorun.execution import AdmittedStart, RunExecutor, RunRegistry
from solorun.logs import Masker
from solorun.outcome import StopReason
from solorun.parameter import ParamValue
from solorun.project import Projects
from solorun.run import Run
from solorun.runs.admission import Admission
from solorun.runs.queue import QueuedRun, RunQueue
from solorun.runs.reaper import UNCONFIRMED, Reaper
from solorun.store import RunStore

QUEUE_ACTOR: Final = "solorun"
"""`cancel_requested_by` of a run that has waited too long."""
MAX_WAIT_SECONDS: Final = 60.0
"""The clock may be set: deadlines are looked at again after this time."""

_logger = logging.getLogger("solorun.runs")


@dataclass(kw_only=True, eq=False)
class Dispatcher:
    """A Component. It looks when something was released, and when the deadline of a queued run passes."""

    store: RunStore
    registry: RunRegistry
    executor: RunExecutor
    reaper: Reaper
    projects: Projects
    admission: Admission
    queue: RunQueue
    owner: str
    now: Callable[[], datetime]
    retry_seconds: float = 0.5

    def __post_init__(self) -> None:
        self._declared: Mapping[str, int] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the queue that an earlier service left. Raises StoreUnavailable."""
        await self.declare_resources()
        for run in await self.store.list_queued_runs():
            self.queue.add(run)
        await self._begin_promoted()
        self._task = asyncio.create_task(self._run(), name="dispatcher")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def declare_resources(self) -> None:
        """Write the resources to the store if their declaration has changed."""
        if self._declared != self.projects.resources:
            declared = dict(self.projects.resources)
            await self.store.declare_resources(declared)
            self._declared = declared
            self.registry.notify_released()

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
        """Begin the runs that the store has promoted. The caller holds the start lock. Raises StoreUnavailable."""
        if self.admission.draining:
            return  # the next service begins them
        try:
            if self.queue.in_doubt:
                await self._reconcile()
            claimed = await self.store.claim_promoted_runs(owner=self.owner)
        except SolorunError:
            # The claim may have been committed.
            self.queue.in_doubt = True
            self.registry.notify_released()
            raise
        for run in claimed:
            if self.admission.draining:
                await self.store.return_run(run.id, owner=self.owner)
            else:
                await self._begin(run)

    async def _run(self) -> None:
        with self.registry.watch_releases() as released:
            released.set()
            while True:
                with anyio.move_on_after(self._seconds_to_wait()):
                    await released.wait()
                released.clear()
                try:
                    await self._dispatch()
                except SolorunError as error:
                    _logger.warning("The queue cannot be read; retrying: %s", error)
                    await asyncio.sleep(self.retry_seconds)
                    released.set()

    async def _dispatch(self) -> None:
        if not self.queue or self.admission.draining:
            return
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
                await self.store.return_run(run.id, owner=self.owner)

    async def _begin(self, run: Run) -> None:
        if self.reaper.is_unconfirmed(run) and await self.reaper.give_up(run, UNCONFIRMED):
            return
        start = self.queue.take(run)
        try:
            start = start or self.admission.admit_again(run, await self._read_params(run))
            masker = self.executor.masker_for(start)
        except SolorunError as error:
            self.reaper.finalize_later(run, str(error))
            return
        await self.begin(start, run, masker)

    async def _read_params(self, run: Run) -> dict[str, ParamValue]:
        """The parameters that the row has masked. Retries: the run is ours, so no other service will begin it."""
        while True:
            try:
                return await self.store.read_unmasked_params(run.id)
            except StoreUnavailable:
                await asyncio.sleep(self.retry_seconds)

    async def _look_at(self, queued: QueuedRun) -> None:
        run = queued.run
        if run.queue_deadline is not None and run.queue_deadline <= self.now():
            reason = "it waited in the queue for too long"
            _, run = await self.store.request_cancel(run.id, requested_by=QUEUE_ACTOR, reason=reason, at=self.now())
            if run.has_ended:
                _logger.info("Run %s of %s: cancelled, because %s", run.id, run.project, reason, extra=run.log_fields)
                self.queue.end(run)
        elif not queued.is_estimated:
            queued.is_estimated = True
            queued.estimated_seconds = await self.store.median_duration_seconds(run.project, run.scope)

    def _seconds_to_wait(self) -> float:
        deadlines = [queued.run.queue_deadline for queued in self.queue if queued.run.queue_deadline is not None]
        if not deadlines:
            return MAX_WAIT_SECONDS
        return min(max(0.0, (min(deadlines) - self.now()).total_seconds()), MAX_WAIT_SECONDS)
