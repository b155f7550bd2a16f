"""Warns about likely mistakes in a valid configuration: secrets that mask nothing, programs that do not
exist, values and scripts that mean something else than they seem to.

The result depends on the environment too. It is shown by `solorun check`, and logged when the service starts and when
the file is read again.
"""

import base64
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import PurePath
from typing import Final

from solorun.errors import FieldError
from solorun.hook import Verification
from solorun.notification import TargetKind, decode_secret, resolve
from solorun.project import MIN_SECRET_CHARACTERS, CommandStep, Project, can_be_masked, find_references
from solorun.projects.configuration import Configuration
from solorun.projects.credentials import HOW_TO_MAKE_ONE, TOKEN
from solorun.projects.validation import format_value, pointer_below

_PLAIN_REFERENCE: Final = re.compile(r"(?<!\$)\$([A-Za-z_]\w*)", re.ASCII)
_STANDARD_PREFIX: Final = "whsec_"
_SOURCE: Final = re.compile(r"(?:^|&&|;)[ \t]*source[ \t]", re.MULTILINE)


def lint(configuration: Configuration, environ: Mapping[str, str]) -> list[FieldError]:
    """The warnings, for notification targets, projects and families. No message contains the value of a variable."""
    families = {family.pattern: family.template for family in configuration.families}
    declared = [*configuration.projects.items(), *families.items()]
    warnings = [*_unusable_targets(configuration, environ)]
    for name, project in declared:
        pointer = pointer_below("projects", name)
        warnings += _idle_secrets(project, pointer, environ)
        warnings += _deaf_hooks(project, pointer, environ)
        warnings += _missing_programs(project, pointer, environ)
        warnings += _literal_values(project, pointer, environ)
        warnings += _suspect_scripts(project, pointer)
        warnings += _impossible_causes(project, pointer)
    return configuration.locate(warnings)


def _unusable_targets(configuration: Configuration, environ: Mapping[str, str]) -> Iterator[FieldError]:
    for name, target in configuration.targets.items():
        pointer = pointer_below("notify", name)
        for variable in target.find_missing_variables(environ):
            yield FieldError(pointer, f"the variable {format_value(variable)} is not set, so nothing can be sent")
        if target.kind is TargetKind.APPRISE and find_spec("apprise") is None:
            yield FieldError(pointer, "requires another package: pip install 'solorun[notify]'")
        if secret := resolve(target.secret, environ):
            try:
                decode_secret(secret)
            except ValueError as error:
                yield FieldError(f"{pointer}.secret", f"the value of the variable {error}; nothing can be sent")


def _idle_secrets(project: Project, pointer: str, environ: Mapping[str, str]) -> Iterator[FieldError]:
    env = project.expand_env(environ)
    for index, name in enumerate(project.secrets):
        value = env.get(name) or environ.get(name)
        if not value:
            problem = "is set neither in the environment nor in env, so there is nothing to mask"
        elif not can_be_masked(value):
            problem = f"has fewer than {MIN_SECRET_CHARACTERS} characters, so it is not masked"
        else:
            continue
        yield FieldError(f"{pointer}.secrets[{index}]", f"the variable {format_value(name)} {problem}")


def _deaf_hooks(project: Project, pointer: str, environ: Mapping[str, str]) -> Iterator[FieldError]:
    for hook in project.hooks.values():
        value = environ.get(hook.secret, "").strip()
        if not value:
            problem = "is not set, so the hook refuses every delivery"
        elif hook.verify is Verification.STANDARD and not _is_base64(value.removeprefix(_STANDARD_PREFIX)):
            problem = "is not in Base64, so the hook refuses every delivery"
        elif len(value) < TOKEN.min_chars:
            problem = f"has fewer than {TOKEN.min_chars} characters and could be guessed; {HOW_TO_MAKE_ONE}"
        else:
            continue
        yield FieldError(f"{pointer}.hooks.{hook.name}.secret", f"the variable {format_value(hook.secret)} {problem}")


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        return False
    return True


def _literal_values(project: Project, pointer: str, environ: Mapping[str, str]) -> Iterator[FieldError]:
    """Values of `env` that a shell would expand, and references to nothing. `$` alone is common in passwords."""
    for name, value in project.env.items():
        plain = [found[1] for found in _PLAIN_REFERENCE.finditer(value) if found[1] in {*environ, *project.env}]
        unset = [reference for reference in find_references(value) if reference not in environ]
        if plain:
            problem = f"${plain[0]} is taken literally; write ${{{plain[0]}}} for the service's variable"
        elif unset:
            problem = (
                f"${{{unset[0]}}} is not set in the service's environment and becomes empty; write $$ for a dollar"
            )
        elif value == "~" or value.startswith("~/"):
            problem = 'begins with "~", which is taken literally; write ${HOME}'
        else:
            continue
        yield FieldError(pointer_below(f"{pointer}.env", name), problem)


def _suspect_scripts(project: Project, pointer: str) -> Iterator[FieldError]:
    for index, step in enumerate(project.steps):
        if not isinstance(step, CommandStep) or not isinstance(step.run, str):
            continue
        place = f"{pointer}.steps[{index}].run"
        if _SOURCE.search(step.run) and (step.shell is None or PurePath(step.shell[0]).name in ("sh", "dash")):
            yield FieldError(place, '"source" is a command of bash; write ".", or set shell = "bash"')
        if "\xa0" in step.run:
            yield FieldError(place, "contains a no-break space, which the shell takes as a part of a word")


def _impossible_causes(project: Project, pointer: str) -> Iterator[FieldError]:
    """Causes in `retry_on` of which the step cannot fail."""
    for index, step in enumerate(project.steps):
        for cause in sorted(step.retries.causes):
            if cause == "timeout" and step.timeout_seconds is None:
                problem = "the step has no timeout"
            elif cause == "stall" and (step.stall_timeout is None or step.stall_timeout.then == "warn"):
                problem = "the step has no stall_timeout that stops it"
            elif cause.startswith(("exit", "signal")) and not isinstance(step, CommandStep):
                problem = 'a function has no exit code; its exceptions are covered by "error"'
            else:
                continue
            yield FieldError(f"{pointer}.steps[{index}].retry_on", f"{format_value(cause)} has no effect: {problem}")


def _missing_programs(project: Project, pointer: str, environ: Mapping[str, str]) -> Iterator[FieldError]:
    """The programs of commands without a shell, and the shells of scripts: what a script runs cannot be checked."""
    search_path = project.expand_env(environ).get("PATH") or environ.get("PATH") or os.defpath
    for index, step in enumerate(project.steps):
        if not isinstance(step, CommandStep):
            continue
        is_script = isinstance(step.run, str)
        program = (step.shell or ("/bin/sh",) if is_script else step.run)[0]
        if "/" in program:
            found, where = shutil.which(project.directory / program), ""
        else:
            found, where = shutil.which(program, path=search_path), " on the PATH"
        if found is None:
            yield FieldError(
                f"{pointer}.steps[{index}].run{'' if is_script else '[0]'}",
                f"no program {format_value(program)}{where}",
            )
