"""Starts, cancels, finds and drains runs: the entry point of the engine.

Knows neither HTTP nor SQL. Executing a run, from its first step to its recorded end, is the job of `execution/`.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from solorun.errors import QueueFull, ResourceBusy, RunActive, RunNotFound, StartRepeated, StoreUnavailable
from solorun.execution import AdmittedStart
from solorun.idempotency_key import IdempotencyKey
from solorun.logs import Masker
from solorun.project import FULL_SCOPE
from solorun.queueing import ConflictPolicy, StartResult
from solorun.run import Cancel, Run
from solorun.runs.cancels import record_cancel
from solorun.runs.conflict import ConflictResolver
from solorun.runs.detached import Caller, run_detached
from solorun.runs.dispatcher import Dispatcher
from solorun.runs.drain import Drain
from solorun.runs.reaper import TOO_LATE, UNCONFIRMED, HandOver
from solorun.runs.rerun import Reruns
from solorun.runs.submission import Submission, new_run
from solorun.schedule import Firing
from solorun.status import Status
from solorun.store import NewRun

_logger = logging.getLogger("solorun.runs")


@dataclass(kw_only=True, eq=False)
class RunManager:
    """Controls the runs of all projects. All calls are made on one event loop."""

    dispatcher: Dispatcher
    shutdown: Drain
    shares_files: bool = True
    """All processes that execute runs have the same workspaces."""
    write_limit_seconds: float

    def __post_init__(self) -> None:
        dispatcher = self.dispatcher
        self.store, self.registry, self.executor = dispatcher.store, dispatcher.registry, dispatcher.executor
        self.hub, self.tasks, self.reaper = self.executor.hub, self.executor.tasks, dispatcher.reaper
        self.admission, self.queue, self.projects = dispatcher.admission, dispatcher.queue, dispatcher.projects
        self.owner, self.now = dispatcher.worker.id, dispatcher.now
        self._conflicts = ConflictResolver(self.registry, self.queue)
        self.reruns = Reruns(self.store, self.projects, self.submit_run, shares_files=self.shares_files)

    @property
    def draining(self) -> bool:
        return self.admission.draining

    # -- start

    async def start_run(
        self,
        project: str,
        *,
        scope: str = FULL_SCOPE,
        triggered_by: str = "api",
        params: Mapping[str, object] | None = None,
        on_conflict: ConflictPolicy | str | None = None,
    ) -> Run:
        """Start a run of the project: `submit_run`, for callers that treat a joined run like a new one.

        Raises ValueError for an unknown policy, and whatever `submit_run` raises.
        """
        policy = None if on_conflict is None else ConflictPolicy(on_conflict)
        submission = await self.submit_run(
            project, scope=scope, triggered_by=triggered_by, params=params, on_conflict=policy
        )
        return submission.run

    async def submit_run(
        self,
        project: str,
        *,
        scope: str = FULL_SCOPE,
        triggered_by: str = "api",
        params: Mapping[str, object] | None = None,
        on_conflict: ConflictPolicy | None = None,
        rerun_of: int | None = None,
        key: IdempotencyKey | None = None,
        firing: Firing | None = None,
    ) -> Submission:
        """Start a run, or do what the policy (default: the project's) says if its project or a resource is taken.

        Returns the pending or queued run, with its row committed, or the active run that the start joins. Raises
        ProjectNotFound, InvalidRequest, RunActive (with the active run), ResourceBusy (with the holders), QueueFull,
        ServiceDraining, or StoreUnavailable if the row was not committed within the limit for writes: no step will run
        (unless a repetition returns the run), but the row may appear later, as a failed or cancelled run. With a key
        that has started a run, raises one of these or StartRepeated (see `submit_once`), as with a recorded firing.
        Cancelling this call cancels no start.
        """
        self.admission.check_draining()
        if self.registry.find_by_project(project) is None:
            await self.projects.refresh()  # A start that will be refused does not need the newest configuration.
            self.admission.check_draining()
        start = self.admission.admit(project, scope, triggered_by, params or {}, on_conflict, rerun_of, key, firing)
        if (joined := self._conflicts.resolve(start)) is not None:
            return Submission(joined, StartResult.JOINED)
        try:
            return await run_detached(
                self.tasks,
                lambda caller: self._start(start, caller),
                limit_seconds=self.write_limit_seconds,
                too_late=StoreUnavailable(
                    f"The start of {project} could not be written within {self.write_limit_seconds:g} s. "
                    "No step will run, but it may appear later as a failed or cancelled run."
                ),
                name=f"start of {project}",
            )
        except StoreUnavailable:
            # Among thousands of starts, the wait for the lock alone may take that long. By now the winner is known.
            self._conflicts.resolve(start)
            raise

    async def _start(self, start: AdmittedStart, caller: Caller) -> Submission:
        """Check again, insert the row and hand the run over.

        Holds the start lock until the run has begun here, or until it is about to be left to a worker.
        """
        async with self.registry.start_lock:
            self.admission.check_draining()
            if caller.has_left:
                raise StoreUnavailable
            if (joined := self._conflicts.resolve(start)) is not None:
                return Submission(joined, StartResult.JOINED)
            await self.dispatcher.resources.declare()
            masker = self.executor.masker_for(start)
            new = new_run(start, masker, self.now(), is_for_worker=not self.dispatcher.takes(start.labels))
            hand_over = partial(self._hand_over, start, masker, new)
            submission = await self._insert(start, new, hand_over)
            if submission.joined:
                return submission
            if not caller.keep():
                self.reaper.give_up_later(submission.run, TOO_LATE, hand_over)
                raise StoreUnavailable
            if not self._is_left_to_worker(new, submission.run):
                return replace(submission, run=await hand_over(submission.run))
        return replace(submission, run=await self.dispatcher.hand_over(submission.run))

    async def _insert(self, start: AdmittedStart, new: NewRun, hand_over: HandOver) -> Submission:
        """Insert the run. The store decides whether everything it needs is free, and applies the policy if not.

        Raises RunActive, ResourceBusy, QueueFull, StartRepeated, StoreUnavailable.
        """
        abandoned_id: int | None = None
        while True:
            leaving = self.registry.leaving_ids  # The store may read such a run as ours and reply after it has left.
            try:
                return Submission.of(await self.store.insert_run(new, owner=self.owner), start.on_conflict)
            except RunActive as refusal:
                blocking = refusal.active_run
                is_foreign = blocking.worker not in (None, self.owner)
                if is_foreign or blocking.id == abandoned_id or blocking.id in leaving:
                    # It belongs to another process, or soon will: we can neither execute nor end it.
                    return Submission(self._conflicts.resolve_foreign(blocking, start, new), StartResult.JOINED)
                await self.dispatcher.begin_promoted()  # It may have been promoted a moment ago.
                self.admission.check_draining()
                if (handle := self.registry.find(blocking.id)) is not None:
                    if (joined := self._conflicts.resolve(start)) is not None:
                        return Submission(joined, StartResult.JOINED)
                    await handle.ended.wait()  # Its end is committed, so the project will be free in a moment.
                    continue
                abandoned_id = blocking.id
                if blocking.worker == self.owner or self.reaper.is_unconfirmed(blocking):
                    # If it is ours, it has no task: its insert was committed although the call raised.
                    await self.reaper.give_up(blocking, UNCONFIRMED)
            except ResourceBusy as busy:
                raise self._conflicts.describe(busy, start) from None
            except (QueueFull, StartRepeated):
                raise
            except Exception:
                # The row may have been committed.
                self.reaper.give_up_start_later(new, UNCONFIRMED, hand_over)
                raise

    async def _hand_over(self, start: AdmittedStart, masker: Masker, new: NewRun, run: Run) -> Run:
        """Queue an inserted run, leave it to a worker, or begin it. Returns the resulting run.

        The caller holds the start lock.
        """
        if run.status is Status.QUEUED:
            return self._enqueue(start, run)
        if self._is_left_to_worker(new, run):
            return await self.dispatcher.hand_over(run)
        if run.worker != self.owner:  # It was queued and has since been promoted.
            await self.dispatcher.begin_promoted()
            return run
        await self.dispatcher.begin(start, run, masker)
        return run

    def _is_left_to_worker(self, new: NewRun, run: Run) -> bool:
        return new.is_for_worker and run.status is Status.PENDING and run.worker == self.owner

    def _enqueue(self, start: AdmittedStart, run: Run) -> Run:
        """Keep a queued run until its turn, and stop the run it replaces. Returns it with its place in the queue.

        The transaction that inserted it also recorded the cancel of the active run, and ended an earlier replacement.
        """
        if run.replaces is not None:
            self.queue.in_doubt = True
            if (handle := self.registry.find(run.replaces)) is not None:
                handle.request_cancel(Cancel(run.created_at, run.triggered_by, f"replaced by run {run.id}"))
                handle.cancel_recorded.set()
        self.registry.notify_released()
        return self.queue.add(run, start)

    # -- cancel

    async def cancel_run(
        self, run_id: int, *, requested_by: str = "api", reason: str = "", grace_seconds: float | None = None
    ) -> tuple[Run, bool]:
        """Cancel a run. Returns the run, and False if it had already been cancelled.

        The cancel reaches the work immediately, even if the database does not respond. `grace_seconds` can only shorten
        the grace period, even that of an earlier cancel. Raises RunNotFound, RunNotActive if the run ended in another
        way, and StoreUnavailable if the request was not recorded within the limit for writes (work that has begun still
        stops).
        """
        handle = self.registry.find(run_id)
        now = self.now() if handle is None else handle.clock.now()
        cancel = Cancel(now, requested_by, reason, grace_seconds)
        if handle is not None:
            cancel = handle.request_cancel(cancel)
        effect = "It may still take effect." if handle is None else "Its work is stopping."
        return await run_detached(
            self.tasks,
            lambda _: record_cancel(self.dispatcher, run_id, handle, cancel),
            limit_seconds=self.write_limit_seconds,
            too_late=StoreUnavailable(f"The cancel of run {run_id} is not recorded yet. {effect}"),
            name=f"cancel of run {run_id}",
        )

    # -- find

    async def get_run(self, run_id: int) -> Run:
        """The run as committed; an active run is read from memory. Raises RunNotFound."""
        if (topic := self.hub.find(run_id)) is not None:
            return topic.run
        return await self.store.get_run(run_id)

    def with_queue_position(self, run: Run) -> Run:
        """A run as read from the store, with its place in the queue if it is queued."""
        topic = self.hub.find(run.id) if run.status is Status.QUEUED else None
        return run if topic is None else topic.run

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
        return [run for run in self.hub.list_runs() if run.holds_project]

    def list_queued_runs(self, project: str | None = None) -> list[Run]:
        """The queued runs as committed, each project's in the order in which they will begin."""
        queued = [entry.run for entry in self.queue if project in (None, entry.run.project)]
        return sorted(queued, key=lambda run: (run.project, run.queue_position or 0))

    async def set_pinned(self, run_id: int, pinned: bool) -> Run:
        """Pin a run, so that it is never deleted, or unpin it. Raises RunNotFound, StoreUnavailable."""
        run = await self.store.set_pinned(run_id, pinned)
        self.hub.publish(run_id, pinned=pinned)
        topic = self.hub.find(run_id)
        return run if topic is None else topic.run

    # -- drain

    async def drain(self, limit_seconds: float) -> None:
        """Refuse new starts, interrupt the active runs, and wait until their ends are recorded, within the limit.

        Safe to call twice: the earlier deadline holds, and a shorter limit shortens the grace periods.
        """
        await self.shutdown.interrupt(limit_seconds)
