"""What is allowed and yet likely a slip: secrets that mask nothing, programs that are not there. Stops nothing.

It asks the environment, so it can change without the file: told by `solorun check`, at the service's start, and
whenever the file is read again.
"""

import os
import shutil
from collections.abc import Iterator, Mapping

from solorun.errors import FieldError
from solorun.project import MIN_SECRET_CHARACTERS, CommandStep, Project, can_be_masked
from solorun.projects.configuration import Configuration
from solorun.projects.validation import Node, describe


def lint(configuration: Configuration, environ: Mapping[str, str]) -> list[FieldError]:
    """Each with its place in the file: projects, then families. No value of a variable is in a message."""
    families = {family.pattern: family.template for family in configuration.families}
    declared = [*configuration.projects.items(), *families.items()]
    table = Node(dict(declared), "projects", [])
    warnings: list[FieldError] = []
    for name, project in declared:
        pointer = table.below(name).pointer
        warnings += _idle_secrets(project, pointer, environ)
        warnings += _missing_programs(project, pointer, environ)
    return warnings


def _idle_secrets(project: Project, pointer: str, environ: Mapping[str, str]) -> Iterator[FieldError]:
    for index, name in enumerate(project.secrets):
        value = project.env.get(name) or environ.get(name)
        if not value:
            lack = "is set neither in the environment nor in env, so nothing is masked for it"
        elif not can_be_masked(value):
            lack = f"has fewer than {MIN_SECRET_CHARACTERS} characters, so it is not masked"
        else:
            continue
        yield FieldError(f"{pointer}.secrets[{index}]", f"the variable {describe(name)} {lack}")


def _missing_programs(project: Project, pointer: str, environ: Mapping[str, str]) -> Iterator[FieldError]:
    """Of commands without a shell only: what a shell would make of a text is its own business."""
    search_path = project.env.get("PATH") or environ.get("PATH") or os.defpath
    for index, step in enumerate(project.steps):
        if not isinstance(step, CommandStep) or isinstance(step.run, str):
            continue
        program = step.run[0]
        if "/" in program:
            found, where = shutil.which(project.directory / program), "there"
        else:
            found, where = shutil.which(program, path=search_path), "on the PATH"
        if found is None:
            yield FieldError(f"{pointer}.steps[{index}].run[0]", f"there is no program {describe(program)} {where}")
