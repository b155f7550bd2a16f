"""The runs in progress here: each with its cancel scope, channel and topic, from before its row is visible."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from solorun.execution.cancel_scope import RunCancelScope
from solorun.execution.clock import RunClock
from solorun.execution.stop_log import StopLog
from solorun.idempotency_key import IdempotencyKey
from solorun.logs import Channel, LimitedOutput, Topic
from solorun.parameter import ParamValue
from solorun.project import Project, StepDeclaration
from solorun.queueing import ConflictPolicy, Slots
from solorun.run import Cancel, Run
from solorun.schedule import Firing
from solorun.status import Status
from solorun.worker import DEFAULT_LABELS


class AdmittedStart(msgspec.Struct, frozen=True):
    """A start that may be tried, with everything that the run keeps from now on."""

    project: Project
    scope: str
    steps: tuple[StepDeclaration, ...]
    triggered_by: str
    params: dict[str, ParamValue]
    """As the steps get them. The row has them masked."""
    labels: tuple[str, ...] = DEFAULT_LABELS
    """The labels of the processes that can execute the run."""
    pipeline: str = ""
    """The version of its steps (`pipeline`)."""
    configuration_faults: tuple[str, ...] = ()
    """Why the project is that of an earlier configuration."""
    on_conflict: ConflictPolicy = ConflictPolicy.REJECT
    rerun_of: int | None = None
    """The run that this one repeats."""
    key: IdempotencyKey | None = None
    firing: Firing | None = None
    """The due time of a schedule that starts it."""
    trace: Mapping[str, str] = {}
    """The trace that the caller is part of (`trace_context`)."""

    @property
    def secret_params(self) -> dict[str, str]:
        """The values of the secret parameters, which exist only here and in the processes of the run."""
        names = [parameter.name for parameter in self.project.params if parameter.secret]
        return {name: str(self.params[name]) for name in names if name in self.params}


@dataclass(eq=False, slots=True)
class RunHandle:
    """One run in progress. Only its executor writes to it."""

    start: AdmittedStart
    topic: Topic
    channel: Channel
    output: LimitedOutput
    cancel_scope: RunCancelScope
    stop_log: StopLog
    clock: RunClock
    deadline: float = float("inf")
    """When the run times out, in loop time. Known once its first step has begun."""
    estimated_seconds: float | None = None
    """The median duration of earlier runs of this scope; None when unknown."""
    step_slots: Slots = field(default_factory=dict)
    """The slots that the step in progress holds for itself."""
    cancel_recorded: asyncio.Event = field(default_factory=asyncio.Event)
    """The row says who requested the cancel, or the attempt to write it failed."""
    traceparent: str | None = None
    """Of its span, if the run is traced."""
    has_stopped: bool = False
    """Its work has ended. Its end may not be recorded yet."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def id(self) -> int:
        return self.topic.run.id

    @property
    def project(self) -> Project:
        return self.start.project

    @property
    def run(self) -> Run:
        """The run as committed."""
        return self.topic.run

    def request_cancel(self, request: Cancel) -> Cancel:
        """Stop the work. Returns the cancel, which is that of the first request; a later one can shorten its grace."""
        return self.stop_log.request_cancel(request)


class RunRegistry:
    """The handles of all runs in progress.

    A start holds `start_lock` from before it inserts its row until its handle is here, or its run is among those that
    are being left to workers: a caller that waits for the lock finds every row it can see in one of the two. The lock
    also keeps refusals in order. The unique index, not the lock, decides that a project has one active run.
    """

    def __init__(self) -> None:
        self.start_lock = asyncio.Lock()
        self.has_lease = True
        """False while the lease cannot be renewed: a run that began would have to stop."""
        self._watchers: set[asyncio.Event] = set()
        self._by_id: dict[int, RunHandle] = {}
        """A run's successor may be here before the run is removed."""
        self._by_project: dict[str, RunHandle] = {}
        """The newest of each project."""
        self._recorded_cancels: Mapping[int, Cancel] = {}
        self._leaving: dict[int, asyncio.Event] = {}
        self.ended: Counter[Status] = Counter()
        """How many runs have ended here, by status."""

    def __iter__(self) -> Iterator[RunHandle]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def has_work(self) -> bool:
        """Whether the work of a run may still be under way. For any thread."""
        return not all(handle.has_stopped for handle in self)

    def add(self, handle: RunHandle) -> None:
        self._by_id[handle.id] = handle
        self._by_project[handle.project.name] = handle
        self._apply_cancel(handle)

    def apply_cancels(self, recorded: Mapping[int, Cancel]) -> None:
        """Stop the runs whose cancel is in the database, and those that are still being claimed, once they are here."""
        self._recorded_cancels = recorded
        for handle in self:
            self._apply_cancel(handle)

    def remove(self, handle: RunHandle) -> None:
        self._by_id.pop(handle.id, None)
        if self._by_project.get(handle.project.name) is handle:
            del self._by_project[handle.project.name]
        if handle.run.has_ended:
            self.ended[handle.run.status] += 1
        handle.ended.set()
        self.notify_released()

    def find(self, run_id: int) -> RunHandle | None:
        return self._by_id.get(run_id)

    async def find_starting(self, run_id: int) -> RunHandle | None:
        """Like `find`, but also finds a run that is just being started."""
        await self.wait_for_starts()
        return self.find(run_id)

    @contextmanager
    def leaving(self, run_id: int) -> Iterator[None]:
        """The block leaves a pending run of ours to a worker, without the start lock."""
        left = self._leaving[run_id] = asyncio.Event()
        try:
            yield
        finally:
            del self._leaving[run_id]
            left.set()

    @property
    def leaving_ids(self) -> frozenset[int]:
        """The runs that are being left to workers."""
        return frozenset(self._leaving)

    def find_by_project(self, project: str) -> RunHandle | None:
        """The run that holds the project by its committed row; None once the run's end is committed."""
        handle = self._by_project.get(project)
        return handle if handle is not None and handle.run.holds_project else None

    @contextmanager
    def watch_releases(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever something was released that a queued run or a step may wait for."""
        released = asyncio.Event()
        self._watchers.add(released)
        try:
            yield released
        finally:
            self._watchers.discard(released)

    def notify_released(self) -> None:
        for released in self._watchers:
            released.set()

    async def wait_for_starts(self) -> None:
        """Wait until the starts under way have their handles here, have been left to workers, or have failed."""
        if self.start_lock.locked():
            async with self.start_lock:
                pass
        for left in list(self._leaving.values()):
            await left.wait()

    def _apply_cancel(self, handle: RunHandle) -> None:
        if (cancel := self._recorded_cancels.get(handle.id)) is not None:
            handle.cancel_recorded.set()
            handle.request_cancel(cancel)
