"""What a start does when its project is busy: it is rejected, it joins the active run, or the store lets it wait."""

from typing import Final

from solorun.errors import ResourceBusy, RunActive
from solorun.execution import AdmittedStart, RunHandle, RunRegistry
from solorun.queueing import Choices, ConflictPolicy, JoinChoice, QueueChoice, ReplaceChoice
from solorun.run import Run
from solorun.runs.queue import RunQueue
from solorun.store import NewRun

MAX_RETRY_AFTER_SECONDS: Final = 3600.0


class ConflictResolver:
    """Answers from memory, without the database."""

    def __init__(self, registry: RunRegistry, queue: RunQueue) -> None:
        self._registry = registry
        self._queue = queue
        self._choices: dict[str, tuple[tuple[object, ...], Choices]] = {}
        """The last choices of each project, with what they depend on: thousands of starts may be refused a second."""

    def resolve(self, start: AdmittedStart) -> Run | None:
        """The run that the start joins; None if the store has to decide. Raises RunActive."""
        handle = self._registry.find_by_project(start.project.name)
        if handle is None or start.on_conflict in (ConflictPolicy.QUEUE, ConflictPolicy.REPLACE):
            return None
        if start.on_conflict is ConflictPolicy.JOIN and _find_obstacle_here(handle, start) is None:
            return handle.run
        retry_after = None
        if handle.estimated_seconds is not None and handle.run.started_at is not None:
            elapsed = (handle.clock.now() - handle.run.started_at).total_seconds()
            retry_after = min(max(1.0, handle.estimated_seconds - elapsed), MAX_RETRY_AFTER_SECONDS)
        raise _refuse(handle.run, start, self._find_choices(handle, start), retry_after)

    def resolve_foreign(self, run: Run, start: AdmittedStart, new: NewRun) -> Run:
        """The active run of another service, if the start joins it. Raises RunActive."""
        # The rows have secrets masked, which cannot be compared.
        has_equal_params = run.params == new.params and not new.unmasked_params
        obstacle = _find_obstacle(run, start, is_stopping=run.cancel is not None, has_equal_params=has_equal_params)
        if start.on_conflict is ConflictPolicy.JOIN and obstacle is None:
            return run
        join = JoinChoice(obstacle is None, run.id, obstacle)
        raise _refuse(run, start, Choices(join, self._queue_choice(start), ReplaceChoice(run.id)))

    def describe(self, busy: ResourceBusy, start: AdmittedStart) -> ResourceBusy:
        """The same refusal, with what other policies would do."""
        reason = "no run of the project is active"
        choices = Choices(JoinChoice(False, None, reason), self._queue_choice(start), ReplaceChoice(None))
        return ResourceBusy(busy.holders, choices)

    def _find_choices(self, handle: RunHandle, start: AdmittedStart) -> Choices:
        name = start.project.name
        has_equal_params = handle.start.params == start.params
        queue = self._queue.count(name), start.project.queue_max
        basis = handle.run, handle.cancel_scope.reason, has_equal_params, start.steps, queue
        known = self._choices.get(name)
        if known is not None and known[0] == basis:
            return known[1]
        obstacle = _find_obstacle_here(handle, start)
        join = JoinChoice(obstacle is None, handle.id, obstacle)
        choices = Choices(join, self._queue_choice(start), ReplaceChoice(handle.id))
        self._choices[name] = basis, choices
        return choices

    def _queue_choice(self, start: AdmittedStart) -> QueueChoice:
        name, waiting = start.project.name, self._queue.count(start.project.name)
        if waiting >= start.project.queue_max:
            return QueueChoice(False, None, None, f"the queue is full: it may hold {start.project.queue_max}")
        return QueueChoice(True, waiting + 1, self._queue.estimate_free_at(name))


def _refuse(run: Run, start: AdmittedStart, choices: Choices, retry_after: float | None = None) -> RunActive:
    """The refusal that names the run, what other policies would do, and the time it is expected to take still."""
    refusal = RunActive(run, retry_after, choices)
    if start.on_conflict is not ConflictPolicy.JOIN:
        return refusal
    return RunActive(run, retry_after, choices, f"{refusal.message} It cannot be joined: {choices.join.reason}.")


def _find_obstacle_here(handle: RunHandle, start: AdmittedStart) -> str | None:
    is_stopping, has_equal_params = handle.cancel_scope.reason is not None, handle.start.params == start.params
    return _find_obstacle(handle.run, start, is_stopping=is_stopping, has_equal_params=has_equal_params)


def _find_obstacle(run: Run, start: AdmittedStart, *, is_stopping: bool, has_equal_params: bool) -> str | None:
    """Why the start cannot join the run; None if the run will do all that the start asks for."""
    if is_stopping:
        return f"run {run.id} is being stopped"
    if not has_equal_params:
        return "its parameters differ"
    is_over = {step.name: step.status.has_ended for step in run.steps}
    missing = [step.name for step in start.steps if step.name not in is_over]
    if missing:
        return f"{', '.join(missing)} will not be executed by run {run.id}"
    over = [step.name for step in start.steps if is_over[step.name]]
    return f"run {run.id} is already past {', '.join(over)}" if over else None
