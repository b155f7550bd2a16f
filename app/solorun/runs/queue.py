"""The queued runs as this service knows them: their places, what they wait for, and when they will probably begin."""

from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import asdict

from solorun.execution import AdmittedStart, RunRegistry
from solorun.logs import Hub
from solorun.project import Projects
from solorun.queueing import find_free_slots
from solorun.run import Run


@dataclass(eq=False, slots=True)
class QueuedRun:
    """One queued run. `start` is None if an earlier service admitted it."""

    run: Run
    start: AdmittedStart | None
    estimated_seconds: float | None = None
    """How long a run of this scope usually takes; None when unknown."""
    is_estimated: bool = False
    """Whether that has been looked up."""


class RunQueue:
    """The queued runs of all projects, whichever service queued them. Each is a topic of the hub, so that it can be
    followed. The store decides which one begins.
    """

    def __init__(self, hub: Hub, registry: RunRegistry, projects: Projects, now: Callable[[], datetime]) -> None:
        self._hub = hub
        self._registry = registry
        self._projects = projects
        self._now = now
        self.foreign_estimates: dict[int, float | None] = {}
        """How long each active run of another service usually takes; None when unknown."""
        self._by_id: dict[int, QueuedRun] = {}
        self._by_project: dict[str, list[QueuedRun]] = {}
        """In the order in which they begin."""
        self.in_doubt = False
        """Whether the store may have changed a queued run without this service knowing: an answer was lost, or a
        replacement has ended an earlier one. The dispatcher then asks the store."""

    def __contains__(self, run_id: int) -> bool:
        return run_id in self._by_id

    def __iter__(self) -> Iterator[QueuedRun]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def count(self, project: str) -> int:
        return len(self._by_project.get(project, ()))

    def add(self, run: Run, start: AdmittedStart | None = None) -> Run:
        """Add a run at its place: replacements first, then by id. Returns the run with its place."""
        queued = QueuedRun(run, start)
        self._by_id[run.id] = queued
        insort(self._by_project.setdefault(run.project, []), queued, key=_order_of)
        self._hub.open(run)
        self.refresh()
        return queued.run

    def find_start(self, run_id: int) -> AdmittedStart | None:
        """How a queued run was admitted, if this service did that."""
        return self._by_id[run_id].start if run_id in self._by_id else None

    def take(self, run: Run) -> AdmittedStart | None:
        """Remove a run that has been promoted, as committed. Its topic stays. Returns how it was admitted."""
        queued = self._remove(run.id)
        self._hub.publish(run.id, **asdict(run))
        return queued.start if queued is not None else None

    def end(self, run: Run) -> None:
        """Remove a run that has ended without beginning, as committed. Its readers see its end."""
        self._remove(run.id)
        self._hub.publish(run.id, **asdict(run))
        self._hub.close(run.id)
        self.refresh()

    def refresh(self) -> None:
        """Publish every change of a run's place, of what it waits for, and of when it will probably begin."""
        if not self._by_id:
            return
        held = [(name, slot) for run in self._hub.list_runs() if run.holds_project for name, slot in _slots_of(run)]
        free = {name: len(slots) for name, slots in find_free_slots(self._projects.resources, held).items()}
        for project, runs in self._by_project.items():
            free_at = self.estimate_free_at(project, before=0)
            is_free = self._find_holder(project) is None
            for position, queued in enumerate(runs, start=1):
                is_first = position == 1 and is_free
                changes: dict[str, Any] = {
                    "queue_position": position,
                    "waits_for": _find_missing(queued.run, free) if is_first else (),
                    "estimated_start_at": None if is_first else free_at,
                }
                if any(getattr(queued.run, name) != value for name, value in changes.items()):
                    self._hub.publish(queued.run.id, **changes)
                    topic = self._hub.find(queued.run.id)
                    queued.run = topic.run if topic is not None else queued.run
                free_at = _add_seconds(free_at, queued.estimated_seconds)

    def estimate_free_at(self, project: str, *, before: int | None = None) -> datetime | None:
        """When the active run and the first `before` queued ones (all, if None) will probably have ended."""
        run = self._find_holder(project)
        if run is None:
            return None
        if (handle := self._registry.find(run.id)) is not None:
            seconds, now = handle.estimated_seconds, handle.clock.now()
            is_stopping = handle.cancel_scope.reason is not None
        else:
            seconds, now, is_stopping = self.foreign_estimates.get(run.id), self._now(), run.cancel is not None
        free_at = None if is_stopping else _add_seconds(run.started_at or run.created_at, seconds)
        if free_at is None:  # It is unknown how long a stop takes.
            return None
        free_at = max(free_at, now)
        for queued in self._by_project.get(project, [])[:before]:
            free_at = _add_seconds(free_at, queued.estimated_seconds)
        return free_at

    def _find_holder(self, project: str) -> Run | None:
        """The active run of a project, which another service may execute."""
        if (handle := self._registry.find_by_project(project)) is not None:
            return handle.run
        return next((run for run in self._hub.list_runs() if run.project == project and run.holds_project), None)

    def _remove(self, run_id: int) -> QueuedRun | None:
        queued = self._by_id.pop(run_id, None)
        if queued is not None:
            runs = self._by_project[queued.run.project]
            runs.remove(queued)
            if not runs:
                del self._by_project[queued.run.project]
        return queued


def _order_of(queued: QueuedRun) -> tuple[bool, int]:
    return queued.run.replaces is None, queued.run.id


def _slots_of(run: Run) -> Iterator[tuple[str, int]]:
    for held in (run.slots, *(step.slots for step in run.steps if not step.status.has_ended)):
        for name, numbers in held.items():
            for slot in numbers:
                yield name, slot


def _find_missing(run: Run, free: dict[str, int]) -> tuple[str, ...]:
    """The resources that are taken. If none is, the run waits behind another run that was queued for them earlier."""
    missing = [name for name, count in run.resources.items() if free.get(name, 0) < count]
    return tuple(sorted(missing or run.resources))


def _add_seconds(time: datetime | None, seconds: float | None) -> datetime | None:
    return None if time is None or seconds is None else time + timedelta(seconds=seconds)
