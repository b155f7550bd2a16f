"""The runs that have a task: each with its cancel scope, its channel and its topic, from before its row can be seen."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from solorun.execution.cancel_scope import RunCancelScope
from solorun.logs import Channel, Topic
from solorun.outcome import StopReason
from solorun.project import Project, StepDeclaration
from solorun.record import Event
from solorun.run import Run
from solorun.step import StepExecution


@dataclass(eq=False, slots=True)
class RunHandle:
    """One run on its way. `params` are as given; those in the row are masked."""

    project: Project
    steps: tuple[StepDeclaration, ...]
    params: dict[str, str]
    topic: Topic
    channel: Channel
    cancel_scope: RunCancelScope = field(default_factory=RunCancelScope)
    execution: StepExecution | None = None
    """The step being executed."""
    max_grace_seconds: float = float("inf")
    """A drain cuts graces to fit."""
    estimated_seconds: float | None = None
    """How long such a run took before, by the median; None when unknown."""
    cancel_recorded: asyncio.Event = field(default_factory=asyncio.Event)
    """The row says who asked to cancel, or it was tried and failed."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def id(self) -> int:
        return self.topic.run.id

    @property
    def run(self) -> Run:
        """The run as it is committed."""
        return self.topic.run

    @property
    def grace_seconds(self) -> float:
        return min(self.project.cancel_grace_seconds, self.max_grace_seconds)

    def request_cancel(self, requested_by: str, reason: str) -> None:
        """Tell the work to stop, and the log who asked for it."""
        if self.cancel_scope.cancel(StopReason.CANCEL):
            requested_by, reason = self.channel.mask(requested_by), self.channel.mask(reason)
            message = f"cancel requested by {requested_by}" + (f": {reason}" if reason else "")
            data = {"requested_by": requested_by, "reason": reason}
            self.channel.log(message, event=Event.CANCEL, data=data)


class RunRegistry:
    """Keyed by run id: when a run has ended in the database its successor may be here before it is removed."""

    def __init__(self) -> None:
        self._by_id: dict[int, RunHandle] = {}
        self._by_project: dict[str, RunHandle] = {}
        """The newest of each project."""

    def __iter__(self) -> Iterator[RunHandle]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, active: RunHandle) -> None:
        self._by_id[active.id] = active
        self._by_project[active.project.name] = active

    def remove(self, active: RunHandle) -> None:
        self._by_id.pop(active.id, None)
        if self._by_project.get(active.project.name) is active:
            del self._by_project[active.project.name]
        active.ended.set()

    def find(self, run_id: int) -> RunHandle | None:
        return self._by_id.get(run_id)

    def find_by_project(self, project: str) -> RunHandle | None:
        """The project's run that is active by its committed row; one whose end is committed frees the project."""
        active = self._by_project.get(project)
        return active if active is not None and active.run.holds_project else None
