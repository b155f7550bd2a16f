"""Checks the [projects.*] tables and makes Projects and Families of them. Their steps are read in `step_tables`."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from solorun.project import DEFAULT_CANCEL_GRACE_SECONDS, NAME_PATTERN, Family, Project
from solorun.projects.step_tables import FindCoroutine, steps
from solorun.projects.validation import (
    InvalidValue,
    Node,
    Table,
    array,
    describe,
    duration,
    duration_or_zero,
    is_directory,
    line,
    path,
    refuse_repeats,
    table_of,
    text,
)

PROJECT_KEYS: Final = ("title", "dir", "timeout", "cancel_grace", "env", "pass_env", "secrets", "params", "steps")
A_NAME: Final = 'lower-case letters, digits, "_" and "-", a letter first, at most 63'

_WILDCARDS = frozenset("*?[")
_PATTERN = re.compile(r"(?:[a-z0-9_*?-]|\[!?[a-z0-9_-]+\])+", re.ASCII)
_PARAM = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_VARIABLE = re.compile(r"[!-<>-~]+", re.ASCII)
_OWN_PREFIX = "SOLORUN_"
_HINTS = {
    "name": "a project's name is its table's: [projects.<name>]",
    "run": "a command belongs to a step: [[projects.<name>.steps]]",
    "call": "a coroutine belongs to a step: [[projects.<name>.steps]]",
    "cwd": 'did you mean "dir"?',
    "environment": 'did you mean "env"?',
    "passenv": 'did you mean "pass_env"?',
}


@dataclass(frozen=True, slots=True)
class ProjectsTable:
    """The [projects] table, checked."""

    projects: Mapping[str, Project]
    families: tuple[Family, ...]


def check_projects(place: Node, base_dir: Path, find_coroutine: FindCoroutine) -> ProjectsTable:
    """Check all projects. The result is valid only without recorded errors. Raises InvalidValue without a table."""
    if isinstance(place.value, list):
        raise InvalidValue("wants a table for each project: write [projects.<name>], in single brackets")
    if not table_of(place):
        raise InvalidValue("declares no project: add a table [projects.<name>]")
    projects: dict[str, Project] = {}
    families: list[Family] = []
    for name in place.value:
        below = place.below(name)
        is_family = not _WILDCARDS.isdisjoint(name)
        fault = _find_pattern_fault(name) if is_family else _find_name_fault(name)
        if fault:
            below.refuse(fault)
        project = below.read(_project(name, base_dir, find_coroutine), None)
        if project and is_family:
            families.append(Family(name, project))
        elif project:
            projects[name] = project
    return ProjectsTable(projects, tuple(families))


def _find_name_fault(name: str) -> str:
    if NAME_PATTERN.fullmatch(name):
        return ""
    better = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")
    hint = f'; did you mean "{better}"?' if NAME_PATTERN.fullmatch(better) else ""
    return f"{describe(name)} cannot name a project ({A_NAME}){hint}"


def _find_pattern_fault(pattern: str) -> str:
    if not _PATTERN.fullmatch(pattern):
        return (
            f"{describe(pattern)} is not a pattern of names: it may hold lower-case letters, digits, "
            '"_", "-", and the wildcards "*", "?" and "[abc]"'
        )
    if re.match(r"[0-9_-]", pattern):
        return f"{describe(pattern)} matches no name: a project's name begins with a letter"
    return ""


def _project(name: str, base_dir: Path, find_coroutine: FindCoroutine) -> Callable[[Node], Project]:
    def read(place: Node) -> Project:
        table = Table.open(place, PROJECT_KEYS, _HINTS)
        directory = (
            table.read("dir", _directory(base_dir, has_calls=_has_calls(place)), None) if "dir" in table else base_dir
        )
        return Project(
            name=name,
            title=table.read("title", line, name),
            directory=directory or base_dir,
            timeout_seconds=table.read("timeout", duration, None),
            cancel_grace_seconds=table.read("cancel_grace", duration_or_zero, DEFAULT_CANCEL_GRACE_SECONDS),
            env=table.read("env", _env, {}),
            pass_env=table.read("pass_env", _pass_env, ()),
            secrets=table.read("secrets", _secrets, ()),
            params=table.read("params", _params, ()),
            steps=table.require(
                "steps",
                steps(directory, find_coroutine),
                (),
                missing="a project is its steps: declare each in a table [[projects.<name>.steps]]",
            ),
        )

    return read


def _has_calls(place: Node) -> bool:
    steps = place.value.get("steps")
    return isinstance(steps, list) and any(isinstance(step, dict) and "call" in step for step in steps)


def _directory(base_dir: Path, *, has_calls: bool) -> Callable[[Node], Path]:
    def read(place: Node) -> Path:
        directory = path(base_dir)(place)
        if not is_directory(directory):
            unchecked = "; what its steps call is looked for when it is there" if has_calls else ""
            raise InvalidValue(f"there is no directory {directory}{unchecked}")
        if not os.access(directory, os.X_OK):
            raise InvalidValue(f"the directory {directory} cannot be entered by this user")
        return directory

    return read


def _env(place: Node) -> Mapping[str, str]:
    # A variable may hold a secret: no message shows its value.
    variables: dict[str, str] = {}
    for name in table_of(place):
        below = place.below(name)
        value = below.value
        if not _VARIABLE.fullmatch(name):
            below.refuse(f'{describe(name)} cannot name a variable (visible ASCII characters without "=")')
        elif name.startswith(_OWN_PREFIX):
            below.refuse(f"variables that begin with {_OWN_PREFIX} are Solorun's own: choose another name")
        elif not isinstance(value, str):
            below.refuse("wants a text: put the value in quotes")
        elif "\0" in value:
            below.refuse("holds a NUL character, which no program could be given")
        else:
            variables[name] = value
    return MappingProxyType(variables)


def _pass_env(place: Node) -> tuple[str, ...]:
    patterns = array(_variable_pattern, 'a list of variables, like ["HTTPS_PROXY", "DB_*"]')(place)
    refuse_repeats(place)
    return patterns


def _variable_pattern(place: Node) -> str:
    pattern = text(place)
    if not _VARIABLE.fullmatch(pattern):
        raise InvalidValue("is not the name of a variable, nor a pattern like DB_*; to set a value, use env")
    if pattern.startswith(_OWN_PREFIX):
        raise InvalidValue(f"variables that begin with {_OWN_PREFIX} are not passed on: they are Solorun's own")
    return pattern


def _secrets(place: Node) -> tuple[str, ...]:
    names = array(_variable, 'a list of variables, like ["OPENAI_API_KEY"]')(place)
    refuse_repeats(place)
    return names


def _variable(place: Node) -> str:
    # Somebody may have written the secret itself here: it is not repeated.
    if not _VARIABLE.fullmatch(text(place)):
        raise InvalidValue("is not the name of a variable; name the variable that holds the secret, not the secret")
    return str(place.value)


def _params(place: Node) -> tuple[str, ...]:
    names = array(_param, 'a list of names, like ["date"]')(place)
    refuse_repeats(place)
    return names


def _param(place: Node) -> str:
    name = text(place)
    if not _PARAM.fullmatch(name):
        better = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
        hint = f'; did you mean "{better}"?' if _PARAM.fullmatch(better) else ""
        raise InvalidValue(
            f'{describe(name)} cannot name a parameter (lower-case letters, digits and "_", a letter first, at most 63)'
            + hint
        )
    return name
