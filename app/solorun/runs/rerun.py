"""Resolves reruns: which start repeats an ended run, and on whose results it builds."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from solorun.errors import FieldError, InvalidRequest, RunNotEnded, RunNotFound
from solorun.idempotency_key import IdempotencyKey
from solorun.logs.masking import MASK
from solorun.parameter import format_param
from solorun.project import FROM_PREFIX, Project, Projects
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.runs.admission import find_caller_faults
from solorun.runs.parameters import read_params
from solorun.runs.submission import Submission
from solorun.status import StepStatus
from solorun.store import RunStore
from solorun.wire.runs import FROM_FAILED, FROM_START, RerunPreview, SkippedStep

Submit = Callable[..., Awaitable[Submission]]

MAX_LINEAGE: Final = 100
"""How many runs a preview follows back, each a rerun of the next."""

_FAILED: Final = frozenset({StepStatus.FAILED, StepStatus.CANCELLED, StepStatus.INTERRUPTED})
_EXECUTED: Final = _FAILED | {StepStatus.COMPLETED}


@dataclass(frozen=True, slots=True)
class RerunPlan:
    """The start that repeats a run. `steps` are the names of the steps that would run."""

    scope: str
    steps: tuple[str, ...]
    params: dict[str, object]


class Reruns:
    """Starts and previews reruns. `submit` is RunManager.submit_run, and `shares_files` as there."""

    def __init__(self, store: RunStore, projects: Projects, submit: Submit, *, shares_files: bool) -> None:
        self._store = store
        self._projects = projects
        self._submit = submit
        self._shares_files = shares_files

    async def start(
        self,
        run_id: int,
        *,
        from_step: str = FROM_START,
        triggered_by: str = "api",
        params: Mapping[str, object] | None = None,
        on_conflict: ConflictPolicy | None = None,
        key: IdempotencyKey | None = None,
    ) -> Submission:
        """Start a run that repeats an ended one. Raises RunNotFound, RunNotEnded, and the errors of `submit_run`.

        `from_step` is `start`, `failed` (the step that stopped the run) or the name of one of its steps. `params`
        replace those of the run.
        """
        run, project = await self._read(run_id)
        plan = plan_rerun(project, run, from_step, triggered_by, params or {})
        return await self._submit(
            project.name,
            scope=plan.scope,
            triggered_by=triggered_by,
            params=plan.params,
            on_conflict=on_conflict,
            rerun_of=run_id,
            key=key,
        )

    async def preview(
        self,
        run_id: int,
        *,
        from_step: str = FROM_START,
        triggered_by: str = "api",
        params: Mapping[str, object] | None = None,
    ) -> RerunPreview:
        """What `start` would do now. Raises RunNotFound, RunNotEnded, ProjectNotFound, InvalidRequest."""
        run, project = await self._read(run_id)
        missing = find_missing_params(run, params or {})
        plan = plan_rerun(project, run, from_step, triggered_by, params or {}, optional=missing)
        latest = await self._store.find_latest_run(project.name)
        names = [step.name for step in project.steps]
        before = names[: names.index(plan.steps[0])] if plan.steps else []
        skipped, workers = await self._find_results(run, before)
        return RerunPreview(
            rerun_of=run_id,
            project=project.name,
            scope=plan.scope,
            steps=plan.steps,
            skipped=skipped,
            missing_params=missing,
            latest_run_id=latest.id if latest is not None else run_id,
            results_on=() if self._shares_files else workers,
        )

    async def _read(self, run_id: int) -> tuple[Run, Project]:
        run = await self._store.get_run(run_id)
        await self._projects.refresh()
        return run, self._projects.get_project(run.project)

    async def _find_results(self, run: Run, names: list[str]) -> tuple[tuple[SkippedStep, ...], tuple[str, ...]]:
        """For each step, the last run of the lineage that executed it. And the workers that executed these runs."""
        found: dict[str, SkippedStep] = {}
        workers: dict[int | None, str | None] = {}
        for _ in range(MAX_LINEAGE):
            workers[run.id] = run.worker
            for step in run.steps:
                if step.status in _EXECUTED:
                    found.setdefault(step.name, SkippedStep(step.name, run.id, step.status))
            if run.rerun_of is None or found.keys() >= set(names):
                break
            try:
                run = await self._store.get_run(run.rerun_of)
            except RunNotFound:
                break
        skipped = tuple(found.get(name, SkippedStep(name)) for name in names)
        return skipped, tuple(dict.fromkeys(worker for step in skipped if (worker := workers.get(step.run_id))))


def plan_rerun(
    project: Project,
    run: Run,
    from_step: str,
    triggered_by: str,
    params: Mapping[str, object],
    *,
    optional: Collection[str] = (),
) -> RerunPlan:
    """The start that repeats `run` as `project` is declared now. Raises RunNotEnded, InvalidRequest.

    `optional` are parameters that may be missing.
    """
    if not run.has_ended:
        raise RunNotEnded(run)
    position = _find_position(run, from_step)
    missing = find_missing_params(run, params)
    merged = {name: value for name, value in {**run.params, **params}.items() if name not in missing}
    message = f"is secret and was not kept by run {run.id}; give it again"
    faults = [
        *_faults_of_start(project, run, from_step, position),
        *find_caller_faults(triggered_by),
        *(FieldError(f"/params/{name}", message) for name in missing if name not in optional),
        *_faults_of_params(project, run, merged, missing),
    ]
    if faults:
        raise InvalidRequest(errors=faults)
    scope = FROM_PREFIX + run.steps[position].name if position else run.scope
    return RerunPlan(scope, tuple(step.name for step in project.find_steps(scope) or ()), merged)


def find_missing_params(run: Run, params: Mapping[str, object]) -> tuple[str, ...]:
    """The secret parameters that are not among `params`. The run has only their masked values."""
    return tuple(name for name, value in run.params.items() if MASK in format_param(value) and name not in params)


def _find_position(run: Run, from_step: str) -> int | None:
    """The position of the first step to repeat; None if the run has no such step."""
    if from_step == FROM_START:
        return 0
    if from_step == FROM_FAILED:
        return next((position for position, step in enumerate(run.steps) if step.status in _FAILED), None)
    return next((position for position, step in enumerate(run.steps) if step.name == from_step), None)


def _faults_of_start(project: Project, run: Run, from_step: str, position: int | None) -> Iterator[FieldError]:
    if position is not None:
        declared = [step.name for step in project.steps]
        if removed := [step.name for step in run.steps[position:] if step.name not in declared]:
            message = f"{project.name} no longer has these steps of run {run.id}: {', '.join(removed)}"
            yield FieldError("/from", message)
    elif from_step == FROM_FAILED:
        yield FieldError("/from", f"run {run.id} has no failed step; its status is {run.status}")
    else:
        known = ", ".join(step.name for step in run.steps)
        yield FieldError("/from", f'"{from_step[:100]}" is not a step of run {run.id}; it has: {known}')


def _faults_of_params(
    project: Project, run: Run, given: Mapping[str, object], missing: Collection[str]
) -> Iterator[FieldError]:
    declared = {parameter.name for parameter in project.params}
    removed = [name for name in run.params if name not in declared]
    for name in removed:
        yield FieldError(f"/params/{name}", f"was a parameter of run {run.id}; {project.name} no longer has it")
    _, faults = read_params(project, {name: value for name, value in given.items() if name not in removed})
    yield from (fault for fault in faults if fault.pointer.removeprefix("/params/") not in missing)
