"""Starts, cancels, finds and drains runs: the entry point of the engine.

Knows neither HTTP nor SQL. Executing a run, from its first step to its recorded end, is the job of `execution/`.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import anyio

from solorun.errors import RunActive, RunNotActive, RunNotFound, SolorunError, StartRepeated, StoreUnavailable
from solorun.execution import AdmittedStart, RunExecutor, RunHandle, RunRegistry, TaskSet
from solorun.idempotency_key import IdempotencyKey
from solorun.logs import Hub, Masker
from solorun.outcome import StopReason
from solorun.project import FULL_SCOPE, Projects
from solorun.run import Run
from solorun.runs.admission import Admission
from solorun.runs.conflict import ConflictPolicy
from solorun.runs.detached import run_detached
from solorun.runs.reaper import Reaper
from solorun.status import Status, UpdateResult
from solorun.store import NewRun, RunStore

_DRAIN_MARGIN_SECONDS: Final = 2.0
"""The part of the shutdown limit that is reserved for killing processes and recording final states."""

_UNCONFIRMED: Final = "its start was not confirmed by the database"

_logger = logging.getLogger("solorun.runs")


@dataclass(kw_only=True, eq=False)
class RunManager:
    """Controls the runs of all projects. All calls are made on one event loop."""

    store: RunStore
    hub: Hub
    registry: RunRegistry
    tasks: TaskSet
    executor: RunExecutor
    reaper: Reaper
    projects: Projects
    owner: str
    now: Callable[[], datetime]
    write_limit_seconds: float

    def __post_init__(self) -> None:
        self._admission = Admission(self.projects)
        self._conflicts = ConflictPolicy(self.registry)
        self._drain_deadline = math.inf

    @property
    def draining(self) -> bool:
        return self._admission.draining

    # -- start

    async def start_run(
        self,
        project: str,
        *,
        scope: str = FULL_SCOPE,
        triggered_by: str = "api",
        params: Mapping[str, str] | None = None,
        key: IdempotencyKey | None = None,
    ) -> Run:
        """Start a run of the project. Returns the pending run, with its row committed.

        Raises ProjectNotFound, InvalidRequest, RunActive (with the active run), ServiceDraining, or StoreUnavailable if
        the row was not committed within the limit for writes: no step will run, but the row may appear later, as a
        failed run. With a key that has started a run, raises one of these or StartRepeated. Cancelling this call does
        not cancel the start.
        """
        self._admission.check_draining()
        if not self._conflicts.is_busy(project):
            await self.projects.refresh()  # A start that will be refused does not need the newest configuration.
        start = self._admission.admit(project, scope=scope, triggered_by=triggered_by, params=params or {})
        self._conflicts.resolve(project)
        try:
            return await run_detached(
                self.tasks,
                lambda abandoned: self._start(start, key, abandoned),
                limit_seconds=self.write_limit_seconds,
                too_late=StoreUnavailable(
                    f"The start of {project} could not be written within {self.write_limit_seconds:g} s. "
                    "No step will run, but it may appear later as a failed run."
                ),
                name=f"start of {project}",
            )
        except StoreUnavailable:
            # Among thousands of starts, the wait for the lock alone may take that long. By now the winner is known.
            self._conflicts.resolve(project)
            raise

    async def start_run_once(
        self,
        project: str,
        key: IdempotencyKey | None,
        *,
        scope: str = FULL_SCOPE,
        triggered_by: str = "api",
        params: Mapping[str, str] | None = None,
    ) -> tuple[Run, bool]:
        """Like `start_run`, but a start that is repeated with its key returns the run that the key has started.

        Returns the run, and False if the key had started it before. Raises IdempotencyKeyReused if that was another
        request. Without a key, every run is a new one.
        """
        try:
            run = await self.start_run(project, scope=scope, triggered_by=triggered_by, params=params, key=key)
        except StoreUnavailable:
            raise  # If the run appears later, it is a failed one, which gives its key back.
        except SolorunError:
            # What refuses another run does not matter if the key has its run. Often, it is that very run.
            earlier = None if key is None else await self.store.find_run_by_key(project, key, at=self.now())
            if earlier is None:
                raise
            return await self.get_run(earlier.id), False
        else:
            return run, True

    async def _start(self, start: AdmittedStart, key: IdempotencyKey | None, abandoned: asyncio.Event) -> Run:
        """Check again, insert the row and hand the run over, with the start lock held throughout."""
        async with self.registry.start_lock:
            self._admission.check_draining()
            if abandoned.is_set():
                raise StoreUnavailable
            self._conflicts.resolve(start.project.name)
            masker = self.executor.masker_for(start.project)
            run = await self._insert(start, key, masker)
            if abandoned.is_set():
                self.reaper.finalize_later(run, "the database answered too late")
                return run
            handle = self.executor.claim(start, run, masker)
            if self._admission.draining:
                handle.cancel_scope.cancel(StopReason.SHUTDOWN)
            await self.executor.execute(handle)
            return run

    async def _insert(self, start: AdmittedStart, key: IdempotencyKey | None, masker: Masker) -> Run:
        """Insert the run as pending. The unique index decides whether the project is free.

        Raises RunActive, StartRepeated, StoreUnavailable.
        """
        new = NewRun(
            project=start.project.name,
            scope=start.scope,
            triggered_by=masker.mask(start.triggered_by),
            params={name: masker.mask(value) for name, value in start.params.items()},
            created_at=self.now(),
            steps=tuple(step.name for step in start.steps),
            key=key,
        )
        finalized: int | None = None
        while True:
            try:
                return await self.store.insert_run(new, owner=self.owner)
            except RunActive as refusal:
                blocking = refusal.active_run
                if blocking.id == finalized:
                    raise  # It belongs to another owner: we can neither execute nor end it.
                if (handle := self.registry.find(blocking.id)) is not None:
                    if handle.run.holds_project:
                        raise self._conflicts.reject(handle) from None
                    await handle.ended.wait()  # its end is committed: the project is free in a moment
                    continue
                # A row of ours without a task: an insert that was committed although it raised.
                finalized = blocking.id
                await self.reaper.finalize(blocking, _UNCONFIRMED)
            except StartRepeated:
                raise  # Nothing was inserted.
            except Exception:
                # Whether the row was committed is unknown.
                self.reaper.finalize_project_later(new.project, _UNCONFIRMED)
                raise

    # -- cancel

    async def cancel_run(self, run_id: int, *, requested_by: str = "api", reason: str = "") -> tuple[Run, bool]:
        """Cancel a run. Returns the run, and False if it had already been cancelled.

        The cancel reaches the work immediately, even if the database does not respond. Raises RunNotFound, RunNotActive
        if the run ended another way, and StoreUnavailable if the request was not recorded within the limit for writes
        (work that has begun still stops).
        """
        if (handle := self.registry.find(run_id)) is not None:
            handle.request_cancel(requested_by, reason)
        effect = "It may still take effect." if handle is None else "Its work is stopping."
        return await run_detached(
            self.tasks,
            lambda _: self._cancel(run_id, handle, requested_by, reason),
            limit_seconds=self.write_limit_seconds,
            too_late=StoreUnavailable(f"The cancel of run {run_id} is not recorded yet. {effect}"),
            name=f"cancel of run {run_id}",
        )

    async def _cancel(self, run_id: int, handle: RunHandle | None, requested_by: str, reason: str) -> tuple[Run, bool]:
        if handle is None and (handle := await self.registry.find_starting(run_id)) is not None:
            handle.request_cancel(requested_by, reason)
        if handle is not None:
            requested_by, reason = handle.channel.mask(requested_by), handle.channel.mask(reason)
        try:
            result, run = await self.store.request_cancel(
                run_id,
                requested_by=requested_by,
                reason=reason,
                at=self.now() if handle is None else handle.clock.now(),
            )
        finally:
            if handle is not None:
                handle.cancel_recorded.set()
        if result is UpdateResult.NOT_FOUND:
            raise RunNotFound(f"There is no run {run_id}.")
        if result is UpdateResult.UPDATED:
            if handle is None:
                self.reaper.finalize_later(run, "no task works for it")
            elif (topic := self.hub.find(run_id)) is not None and not topic.run.has_ended:
                self.hub.publish(
                    run_id,
                    cancel_requested_at=run.cancel_requested_at,
                    cancel_requested_by=run.cancel_requested_by,
                    cancel_reason=run.cancel_reason,
                )
                run = topic.run
            _logger.info("Run %s of %s: cancel requested by %s", run.id, run.project, requested_by)
            return run, True
        if run.status is Status.CANCELLED:
            return run, False
        raise RunNotActive(run)

    # -- find

    async def get_run(self, run_id: int) -> Run:
        """The run as committed; an active run is read from memory. Raises RunNotFound."""
        if (topic := self.hub.find(run_id)) is not None:
            return topic.run
        return await self.store.get_run(run_id)

    async def get_current_run(self, project: str) -> Run:
        """The project's active run, else its latest. Raises ProjectNotFound, RunNotFound."""
        if (handle := self.registry.find_by_project(project)) is not None:
            return handle.run
        if (run := await self.store.find_latest_run(project)) is not None:
            return await self.get_run(run.id)
        self.projects.get_project(project)
        raise RunNotFound(f"{project} has no runs yet.")

    def list_active_runs(self) -> list[Run]:
        """All active runs as committed, oldest first."""
        return self.hub.list_runs()

    # -- drain

    async def drain(self, limit_seconds: float) -> None:
        """Refuse new starts, interrupt the active runs, and wait until their ends are recorded, within the limit.

        Safe to call twice: the earlier deadline holds, and a shorter limit shortens the graces.
        """
        self._admission.close()
        now = anyio.current_time()
        limit_seconds = min(limit_seconds, max(0.0, self._drain_deadline - now))
        self._drain_deadline = now + limit_seconds
        for handle in self.registry:
            handle.cancel_scope.limit_grace(max(0.0, limit_seconds - _DRAIN_MARGIN_SECONDS))
            handle.cancel_scope.cancel(StopReason.SHUTDOWN)
        with anyio.move_on_after(limit_seconds):
            await self._wait_until_ended()
            await self.registry.wait_for_starts()
            await self._wait_until_ended()
            # A row without a task would otherwise stay active until the next start of the service.
            await self.reaper.wait_until_done()

    async def _wait_until_ended(self) -> None:
        for handle in self.registry:
            await handle.ended.wait()
