"""Settles rows that are active by the database and have no task here: starts that were committed though they raised.

Nothing works for such a run, and nothing will: it is ended, so that its project is free.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from anyio.abc import TaskGroup

from solorun.execution.handle import RunRegistry
from solorun.outcome import Outcome
from solorun.run import Run
from solorun.status import ACTIVE, Status
from solorun.store import FinalState, RunStore

_RETRY_SECONDS: Final = 0.5


class Reaper:
    """Ends runs without a task; at once, or in the background as soon as the store can."""

    def __init__(
        self,
        store: RunStore,
        active_runs: RunRegistry,
        start_lock: asyncio.Lock,
        *,
        owner: str,
        now: Callable[[], datetime],
    ) -> None:
        self.task_group: TaskGroup | None = None
        self._store = store
        self._active = active_runs
        self._start_lock = start_lock
        self._owner = owner
        self._now = now
        self._unsettled = 0
        self._all_settled = asyncio.Event()
        self._all_settled.set()

    async def settle(self, run: Run, why: str) -> None:
        """End it: cancelled when that had been asked for, else failed."""
        status = Status.FAILED if run.cancel_requested_at is None else Status.CANCELLED
        ending = FinalState(Outcome(status, f"it could not be started: {why}"), self._now())
        await self._store.finalize_run(run.id, owner=self._owner, expected=ACTIVE, ending=ending)

    def settle_later(self, run: Run, why: str) -> None:
        """End it as soon as the store can."""
        self._begin(lambda: self.settle(run, why), f"settling of run {run.id}")

    def settle_project_later(self, project: str, why: str) -> None:
        """End the run without a task that the project may have, as soon as the store can tell."""
        self._begin(lambda: self._settle_project(project, why), f"settling of {project}")

    async def wait_settled(self) -> None:
        """Wait until none is left to be settled."""
        await self._all_settled.wait()

    def _begin(self, settle: Callable[[], Awaitable[None]], name: str) -> None:
        if self.task_group is not None:
            self._unsettled += 1
            self._all_settled.clear()
            self.task_group.start_soon(self._retry, settle, name=name)

    async def _settle_project(self, project: str, why: str) -> None:
        async with self._start_lock:
            run = await self._store.find_active_run(project)
            if run is not None and self._active.find(run.id) is None:
                await self.settle(run, why)

    async def _retry(self, settle: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await settle()
            except Exception:  # noqa: BLE001 - the store's fault; there is nothing else to do but to try again
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                break
        self._unsettled -= 1
        if not self._unsettled:
            self._all_settled.set()
