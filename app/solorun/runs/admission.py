"""Decides whether a start may be tried: the service is not draining, and project, scope and parameters are valid.

Whether the project is free is decided elsewhere, by the store's unique index.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from solorun.errors import FieldError, InvalidRequest, ServiceDraining, SolorunError
from solorun.execution import AdmittedStart
from solorun.idempotency_key import IdempotencyKey
from solorun.parameter import ParamValue
from solorun.project import Project, Projects, describe_outdated
from solorun.queueing import ConflictPolicy
from solorun.run import MAX_CALLER_CHARACTERS, Run, is_caller
from solorun.runs.parameters import read_params
from solorun.runs.pipeline import hash_pipeline, required_labels
from solorun.schedule import Firing
from solorun.trace_context import TRACEPARENT, caller_trace


class Admission:
    """Admits starts until the service drains."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects
        self.draining = False
        self._last: dict[str, tuple[tuple[object, ...], AdmittedStart]] = {}
        """The last start of each project without parameters, with what it was admitted from: thousands of equal starts
        may be refused a second."""

    def check_draining(self) -> None:
        """Raises ServiceDraining once `draining` is set."""
        if self.draining:
            raise ServiceDraining

    def admit(
        self,
        project: str,
        scope: str,
        triggered_by: str,
        params: Mapping[str, object],
        on_conflict: ConflictPolicy | None,
        rerun_of: int | None = None,
        key: IdempotencyKey | None = None,
        firing: Firing | None = None,
    ) -> AdmittedStart:
        """Raises ProjectNotFound, or InvalidRequest with every error."""
        declared = self._projects.get_project(project)
        policy = declared.on_conflict if on_conflict is None else on_conflict
        basis = declared, scope, triggered_by, policy, self._projects.faults
        known = None if params else self._last.get(project)
        if known is not None and known[0] == basis:
            start = known[1]
        else:
            start = _check(*basis, params)
            if not params:
                self._last[project] = basis, start
        trace = caller_trace.get()
        if rerun_of is None and key is None and firing is None and not trace:
            return start
        return replace(start, rerun_of=rerun_of, key=key, firing=firing, trace=trace)

    def find_faults(self, project: str, **start: Any) -> tuple[FieldError, ...]:
        """The errors with which `admit` would refuse this start. Raises ServiceDraining, ProjectNotFound."""
        self.check_draining()
        try:
            self.admit(project, **start)
        except InvalidRequest as invalid:
            return invalid.errors
        return ()

    def admit_again(self, run: Run, unmasked_params: Mapping[str, ParamValue]) -> AdmittedStart:
        """Admit a run that another service has queued. Raises ProjectNotFound, InvalidRequest, SolorunError."""
        params = {**run.params, **unmasked_params}
        start = self.admit(run.project, run.scope, run.triggered_by, params, None, run.rerun_of)
        if run.traceparent is not None:
            start = replace(start, trace={TRACEPARENT: run.traceparent})
        if [step.name for step in start.steps] != [step.name for step in run.steps]:
            raise SolorunError("the steps of the project changed while the run was queued")
        return start


def _check(
    declared: Project,
    scope: str,
    triggered_by: str,
    policy: ConflictPolicy,
    faults_of_file: tuple[str, ...],
    params: Mapping[str, object],
) -> AdmittedStart:
    steps = declared.find_steps(scope)
    values, faults = read_params(declared, params)
    faults[:0] = find_caller_faults(triggered_by)
    if steps is None:
        message = f'"{scope[:100]}" is not a scope of {declared.name}; it has: {", ".join(declared.scopes)}'
        faults.insert(0, FieldError("/scope", message))
    if steps is None or faults:
        # What is missing may have been declared in the meantime.
        faults += [FieldError("", describe_outdated(fault)) for fault in faults_of_file[:1]]
        raise InvalidRequest(errors=faults)
    return AdmittedStart(
        declared,
        scope,
        steps,
        triggered_by,
        values,
        required_labels(declared, steps),
        hash_pipeline(steps),
        faults_of_file,
        policy,
    )


def find_caller_faults(triggered_by: str) -> list[FieldError]:
    """What is wrong with the name of a caller, as a pointer into the body of a start."""
    if is_caller(triggered_by):
        return []
    return [FieldError("/triggered_by", f"must be 1 to {MAX_CALLER_CHARACTERS} characters without control characters")]
