"""Ends active rows that nothing works for: runs of earlier owners, and starts that were committed but failed."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final

from solorun.execution import RunRegistry, TaskSet
from solorun.outcome import Outcome
from solorun.run import Run
from solorun.status import ACTIVE, Status
from solorun.step import StepExecutor
from solorun.store import FinalState, RunStore

_INTERRUPTED_MESSAGE: Final = "the service stopped while the run was active; the outcome of the work is unknown"

_logger = logging.getLogger("solorun.runs")


class Reaper:
    """Frees the projects of such runs, immediately or as soon as the store can be written."""

    def __init__(
        self,
        *,
        store: RunStore,
        registry: RunRegistry,
        tasks: TaskSet,
        executor: StepExecutor,
        owner: str,
        now: Callable[[], datetime],
        retry_seconds: float = 0.5,
    ) -> None:
        self._store = store
        self._registry = registry
        self._tasks = tasks
        self._executor = executor
        self._owner = owner
        self._now = now
        self._retry_seconds = retry_seconds
        self._unfinished: set[asyncio.Task[None]] = set()

    async def recover(self) -> list[Run]:
        """End every active run of an earlier owner. Returns them as they were. Nothing may be started meanwhile.

        The order matters: a row holds its project until the run's processes are gone.
        """
        orphaned = await self._store.list_orphaned_runs(self._owner)
        async with asyncio.TaskGroup() as group:
            for run in orphaned:
                group.create_task(self._recover(run), name=f"recovery of run {run.id}")
        return orphaned

    async def finalize(self, run: Run, why: str) -> None:
        """End a run that could not be started: `cancelled` if that was requested, else `failed`."""
        status = Status.FAILED if run.cancel_requested_at is None else Status.CANCELLED
        ending = FinalState(Outcome(status, f"it could not be started: {why}"), self._now())
        await self._store.finalize_run(run.id, owner=self._owner, expected=ACTIVE, ending=ending)

    def finalize_later(self, run: Run, why: str) -> None:
        """The same, as soon as the store can be written."""
        self._spawn(lambda: self.finalize(run, why), name=f"finalization of run {run.id}")

    def finalize_project_later(self, project: str, why: str) -> None:
        """End the run without a task that the project may have, as soon as the store can be asked."""
        self._spawn(lambda: self._finalize_project(project, why), name=f"finalization in {project}")

    async def wait_until_done(self) -> None:
        """Wait until no run is left to be ended."""
        while self._unfinished:
            await asyncio.wait(self._unfinished)

    async def _recover(self, run: Run) -> None:
        await self._executor.kill_orphans(run.id)
        ending = FinalState(Outcome(Status.INTERRUPTED, _INTERRUPTED_MESSAGE), self._now())
        await self._store.finalize_run(run.id, owner=None, expected=ACTIVE, ending=ending)
        _logger.warning(
            "Run %s of %s was %s when the service stopped; it is now interrupted", run.id, run.project, run.status
        )

    async def _finalize_project(self, project: str, why: str) -> None:
        async with self._registry.start_lock:
            run = await self._store.find_active_run(project)
            if run is not None and self._registry.find(run.id) is None:
                await self.finalize(run, why)

    def _spawn(self, finalize: Callable[[], Coroutine[Any, Any, None]], *, name: str) -> None:
        task = self._tasks.spawn(self._retry(finalize), name=name)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)

    async def _retry(self, finalize: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await finalize()
            except Exception:  # noqa: BLE001 - the store cannot be written; all there is to do is to retry
                await asyncio.sleep(self._retry_seconds)
            else:
                return
