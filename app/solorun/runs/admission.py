"""Decides whether a start may be tried at all: not draining, a known project, a known scope, sound parameters.

Whether the project is free is not decided here: the store's unique index does that.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from solorun.errors import FieldError, InvalidRequest, ServiceDraining
from solorun.project import MAX_PARAM_BYTES, Project, Projects, StepDeclaration
from solorun.run import CALLER_PATTERN, MAX_CALLER_CHARACTERS
from solorun.wire import is_encodable


@dataclass(frozen=True, slots=True)
class Admitted:
    """A start that may be tried, with everything the run keeps from now on."""

    project: Project
    scope: str
    steps: tuple[StepDeclaration, ...]
    triggered_by: str
    params: dict[str, str]


class Admission:
    """Admits starts until the service drains."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects
        self.draining = False

    def check_draining(self) -> None:
        """Raises ServiceDraining when nothing more is admitted."""
        if self.draining:
            raise ServiceDraining

    def admit(self, project: str, *, scope: str, triggered_by: str, params: Mapping[str, str]) -> Admitted:
        """Raises ServiceDraining, ProjectNotFound, or InvalidRequest with all faults."""
        self.check_draining()
        declared = self._projects.get_project(project)
        steps = declared.find_steps(scope)
        faults = [*_faults_of_triggered_by(triggered_by), *_faults_of_params(declared, params)]
        if steps is None:
            known = ", ".join(declared.scopes)
            faults.insert(0, FieldError("/scope", f'"{scope}" is not a scope of {project}; it has: {known}'))
        if steps is None or faults:
            raise InvalidRequest(errors=faults)
        return Admitted(declared, scope, steps, triggered_by, dict(params))


def _faults_of_triggered_by(triggered_by: str) -> list[FieldError]:
    if 1 <= len(triggered_by) <= MAX_CALLER_CHARACTERS and re.search(CALLER_PATTERN, triggered_by):
        return []
    return [FieldError("/triggered_by", f"must be 1 to {MAX_CALLER_CHARACTERS} characters without control characters")]


def _faults_of_params(project: Project, params: Mapping[str, str]) -> list[FieldError]:
    faults = []
    for name, value in params.items():
        pointer = "/params/" + name.replace("~", "~0").replace("/", "~1")
        if name not in project.params:
            known = ", ".join(project.params) or "none"
            faults.append(FieldError(pointer, f"is not a parameter of {project.name}; it has: {known}"))
        elif "\0" in value or not is_encodable(value):
            faults.append(FieldError(pointer, "must be text without NUL"))
        elif len(value.encode()) > MAX_PARAM_BYTES:
            faults.append(FieldError(pointer, f"is longer than {MAX_PARAM_BYTES} bytes"))
    return faults
