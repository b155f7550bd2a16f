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

PROJECT_KEYS: Final = ("title", "dir", "timeout", "cancel_grace", "env", "secrets", "params", "steps")
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
}


@dataclass(frozen=True, slots=True)
class ProjectsTable:
    """The [projects] table, checked."""

    projects: Mapping[str, Project]
    families: tuple[Family, ...]


def check_projects(node: Node, base_dir: Path, find_coroutine: FindCoroutine) -> ProjectsTable:
    """Check all projects. The result is valid only without recorded errors. Raises InvalidValue without a table."""
    if isinstance(node.value, list):
        raise InvalidValue("wants a table for each project: write [projects.<name>], in single brackets")
    if not table_of(node):
        raise InvalidValue("declares no project: add a table [projects.<name>]")
    projects: dict[str, Project] = {}
    families: list[Family] = []
    for name in node.value:
        below = node.below(name)
        is_family = not _WILDCARDS.isdisjoint(name)
        fault = _find_pattern_error(name) if is_family else _find_name_error(name)
        if fault:
            below.refuse(fault)
        project = below.read(_project(name, base_dir, find_coroutine), None)
        if project and is_family:
            families.append(Family(name, project))
        elif project:
            projects[name] = project
    return ProjectsTable(projects, tuple(families))


def _find_name_error(name: str) -> str:
    if NAME_PATTERN.fullmatch(name):
        return ""
    better = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")
    hint = f'; did you mean "{better}"?' if NAME_PATTERN.fullmatch(better) else ""
    return f"{describe(name)} cannot name a project ({A_NAME}){hint}"


def _find_pattern_error(pattern: str) -> str:
    if not _PATTERN.fullmatch(pattern):
        return (
            f"{describe(pattern)} is not a pattern of names: it may hold lower-case letters, digits, "
            '"_", "-", and the wildcards "*", "?" and "[abc]"'
        )
    if re.match(r"[0-9_-]", pattern):
        return f"{describe(pattern)} matches no name: a project's name begins with a letter"
    return ""


def _project(name: str, base_dir: Path, find_coroutine: FindCoroutine) -> Callable[[Node], Project]:
    def read(node: Node) -> Project:
        table = Table.open(node, PROJECT_KEYS, _HINTS)
        directory = (
            table.read("dir", _directory(base_dir, has_calls=_has_calls(node)), None) if "dir" in table else base_dir
        )
        return Project(
            name=name,
            title=table.read("title", line, name),
            directory=directory or base_dir,
            timeout_seconds=table.read("timeout", duration, None),
            cancel_grace_seconds=table.read("cancel_grace", duration_or_zero, DEFAULT_CANCEL_GRACE_SECONDS),
            env=table.read("env", _env, {}),
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


def _has_calls(node: Node) -> bool:
    steps = node.value.get("steps")
    return isinstance(steps, list) and any(isinstance(step, dict) and "call" in step for step in steps)


def _directory(base_dir: Path, *, has_calls: bool) -> Callable[[Node], Path]:
    def read(node: Node) -> Path:
        directory = path(base_dir)(node)
        if not is_directory(directory):
            unchecked = "; what its steps call is looked for when it is there" if has_calls else ""
            raise InvalidValue(f"there is no directory {directory}{unchecked}")
        if not os.access(directory, os.X_OK):
            raise InvalidValue(f"the directory {directory} cannot be entered by this user")
        return directory

    return read


def _env(node: Node) -> Mapping[str, str]:
    # A variable may hold a secret: no message shows its value.
    variables: dict[str, str] = {}
    for name in table_of(node):
        below = node.below(name)
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


def _secrets(node: Node) -> tuple[str, ...]:
    names = array(_variable, 'a list of variables, like ["OPENAI_API_KEY"]')(node)
    refuse_repeats(node)
    return names


def _variable(node: Node) -> str:
    # Somebody may have written the secret itself here: it is not repeated.
    if not _VARIABLE.fullmatch(text(node)):
        raise InvalidValue("is not the name of a variable; name the variable that holds the secret, not the secret")
    return str(node.value)


def _params(node: Node) -> tuple[str, ...]:
    names = array(_param, 'a list of names, like ["date"]')(node)
    refuse_repeats(node)
    return names


def _param(node: Node) -> str:
    name = text(node)
    if not _PARAM.fullmatch(name):
        better = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
        hint = f'; did you mean "{better}"?' if _PARAM.fullmatch(better) else ""
        raise InvalidValue(
            f'{describe(name)} cannot name a parameter (lower-case letters, digits and "_", a letter first, at most 63)'
            + hint
        )
    return name
