"""Warns about likely mistakes in a valid configuration: secrets that mask nothing, programs that do not
exist, values that no shell expands.

The result depends on the environment too. It is shown by `solorun check`, and logged when the service starts and when
the file is read again.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from typing import Final

from solorun.errors import FieldError
from solorun.project import MIN_SECRET_CHARACTERS, CommandStep, Project, can_be_masked
from solorun.projects.configuration import Configuration
from solorun.projects.validation import format_value, pointer_below

_REFERENCE: Final = re.compile(r"\$(?:(?P<name>[A-Za-z_]\w*)|(?P<braced>\{[A-Za-z_]\w*\}))", re.ASCII)


def lint(configuration: Configuration, environ: Mapping[str, str]) -> list[FieldError]:
    """The warnings, for projects and then for families. No message contains the value of a variable."""
    families = {family.pattern: family.template for family in configuration.families}
    declared = [*configuration.projects.items(), *families.items()]
    warnings: list[FieldError] = []
    for name, project in declared:
        pointer = pointer_below("projects", name)
        warnings += _idle_secrets(project, pointer, environ)
        warnings += _missing_programs(project, pointer, environ)
        warnings += _literal_values(project, pointer, environ)
    return warnings


def _idle_secrets(project: Project, pointer: str, environ: Mapping[str, str]) -> Iterator[FieldError]:
    for index, name in enumerate(project.secrets):
        value = project.env.get(name) or environ.get(name)
        if not value:
            problem = "is set neither in the environment nor in env, so there is nothing to mask"
        elif not can_be_masked(value):
            problem = f"has fewer than {MIN_SECRET_CHARACTERS} characters, so it is not masked"
        else:
            continue
        yield FieldError(f"{pointer}.secrets[{index}]", f"the variable {format_value(name)} {problem}")


def _literal_values(project: Project, pointer: str, environ: Mapping[str, str]) -> Iterator[FieldError]:
    """Values of `env` that a shell would expand. `$` alone is common in passwords."""
    for name, value in project.env.items():
        references = _REFERENCE.finditer(value)
        if any(found["braced"] or found["name"] in environ or found["name"] in project.env for found in references):
            problem = "refers to a variable"
        elif value == "~" or value.startswith("~/"):
            problem = 'begins with "~"'
        else:
            continue
        place = pointer_below(f"{pointer}.env", name)
        yield FieldError(
            place, f"{problem}, but nothing in env is expanded; write the value out, or set it in the script"
        )


def _missing_programs(project: Project, pointer: str, environ: Mapping[str, str]) -> Iterator[FieldError]:
    """Only for commands without a shell: what a shell does with a string cannot be checked."""
    search_path = project.env.get("PATH") or environ.get("PATH") or os.defpath
    for index, step in enumerate(project.steps):
        if not isinstance(step, CommandStep) or isinstance(step.run, str):
            continue
        program = step.run[0]
        if "/" in program:
            found, where = shutil.which(project.directory / program), ""
        else:
            found, where = shutil.which(program, path=search_path), " on the PATH"
        if found is None:
            yield FieldError(f"{pointer}.steps[{index}].run[0]", f"no program {format_value(program)}{where}")
