"""Validates the [projects.*] tables and builds Projects and Families.

`step_tables` reads their steps, `parameter_tables` their parameters, `hook_tables` and `schedule_tables` what starts
them without a person.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from solorun.notification import NotifyTarget
from solorun.project import (
    DEFAULT_CANCEL_GRACE_SECONDS,
    DEFAULT_LOG_LIMIT_BYTES,
    DEFAULT_QUEUE_MAX,
    Family,
    Keep,
    LogLimit,
    Project,
    find_references,
)
from solorun.projects import readers
from solorun.projects.hook_tables import hooks
from solorun.projects.notify_tables import notify
from solorun.projects.parameter_tables import params
from solorun.projects.resource_tables import resources
from solorun.projects.schedule_tables import SCHEDULE_KEYS, schedules
from solorun.projects.step_tables import STEP_KEYS, FindFunction, StepDefaults, label, shell, steps
from solorun.projects.validation import InvalidValue, Node, Table, format_value, table_of
from solorun.queueing import ConflictPolicy

PROJECT_KEYS: Final = (
    *("title", "dir", "timeout", "cancel_grace", "log_limit", "keep", "shell", "detect_levels"),
    *("on_conflict", "queue_max", "queue_timeout", "resources", "worker"),
    *("env", "pass_env", "secrets", "params", "hooks", "notify", "steps", "schedules"),
)

_DEPENDENT_KEYS: Final = ("hooks", "schedules")
"""They refer to steps and parameters of their project."""

MAX_QUEUE: Final = 100_000
MAX_KEPT_RUNS: Final = 1_000_000

_WILDCARDS = frozenset("*?[")
_PATTERN = re.compile(r"(?:[a-z0-9_*?-]|\[!?[a-z0-9_-]+\])+", re.ASCII)
_VARIABLE = re.compile(r"[!-<>-~]+", re.ASCII)
_OWN_PREFIX = "SOLORUN_"
_HINTS = {
    **dict.fromkeys(SCHEDULE_KEYS, "set it for a schedule: [[projects.<name>.schedules]]"),
    **dict.fromkeys(STEP_KEYS, "set it for a step: [[projects.<name>.steps]]"),
    "name": "the name of a project is in its table's header: [projects.<name>]",
    "run": "set the command of a step: [[projects.<name>.steps]]",
    "call": "set the coroutine of a step: [[projects.<name>.steps]]",
    "cwd": 'did you mean "dir"?',
    "environment": 'did you mean "env"?',
    "passenv": 'did you mean "pass_env"?',
}


def check_projects(
    node: Node, find_function: FindFunction, targets: Mapping[str, NotifyTarget]
) -> tuple[dict[str, Project], list[Family]]:
    """Validate all projects. Use the result only if no error was recorded. Raises InvalidValue if this is no table."""
    if isinstance(node.value, list):
        raise InvalidValue("expected a table for each project; write [projects.<name>] in single brackets")
    if not table_of(node):
        raise InvalidValue("declares no project; add a table [projects.<name>]")
    found = readers.named(_name, partial(_project, find_function=find_function, targets=targets))(node)
    projects = {name: project for name, project in found.items() if not _is_pattern(name)}
    return projects, [Family(name, project) for name, project in found.items() if _is_pattern(name)]


def check_defaults(node: Node, targets: Mapping[str, NotifyTarget]) -> None:
    """Validate [defaults] like a project, as far as it does not depend on the rest of a project.

    Functions are not imported, because each project has its own directory.
    """
    own = {key: value for key, value in table_of(node).items() if key not in _DEPENDENT_KEYS}
    steps_may_be_missing = {"steps": [{"name": "any", "run": "true"}], **own}
    _project("defaults", replace(node, value=steps_may_be_missing), lambda *_: None, targets)


def _is_pattern(name: str) -> bool:
    return not _WILDCARDS.isdisjoint(name)


def _name(node: Node) -> str:
    """The name of a project, or the pattern of a family."""
    if not _is_pattern(node.value):
        return readers.name("project name", joiner="-")(node)
    pattern = readers.text(node)
    if not _PATTERN.fullmatch(pattern):
        raise InvalidValue(
            f"{format_value(pattern)} is not a valid name pattern; it may contain lower-case letters, digits, "
            '"_", "-", and the wildcards "*", "?" and "[abc]"'
        )
    if re.match(r"[0-9_-]", pattern):
        raise InvalidValue(f"{format_value(pattern)} matches no name, because project names start with a letter")
    return pattern


def _project(name: str, node: Node, find_function: FindFunction, targets: Mapping[str, NotifyTarget]) -> Project:
    table = Table(node, PROJECT_KEYS, _HINTS)
    read_directory = partial(_directory, has_calls=_has_calls(node))
    directory = table.read("dir", read_directory, None) if "dir" in table else node.base_dir
    defaults = StepDefaults(table.read("shell", shell, None), table.read("detect_levels", readers.boolean, True))
    project = Project(
        name=name,
        title=table.read("title", readers.line, name),
        directory=directory or node.base_dir,
        timeout_seconds=table.read("timeout", readers.duration, None),
        cancel_grace_seconds=table.read("cancel_grace", readers.duration_or_zero, DEFAULT_CANCEL_GRACE_SECONDS),
        log_limit=table.read("log_limit", _log_limit, LogLimit()),
        keep=table.read("keep", _keep, Keep()),
        env=table.read("env", _env, {}),
        pass_env=table.read(
            "pass_env", readers.distinct(_variable_pattern, 'a list of variables, like ["HTTPS_PROXY", "DB_*"]'), ()
        ),
        secrets=table.read("secrets", readers.distinct(_variable, 'a list of variables, like ["OPENAI_API_KEY"]'), ()),
        params=table.read("params", params, ()),
        worker=table.read("worker", label, None),
        resources=table.read("resources", resources, {}),
        on_conflict=table.read("on_conflict", readers.member(ConflictPolicy), ConflictPolicy.REJECT),
        queue_max=table.read("queue_max", readers.whole_number(0, MAX_QUEUE), DEFAULT_QUEUE_MAX),
        queue_timeout_seconds=table.read("queue_timeout", readers.duration, None),
        notify=table.read("notify", partial(notify, targets=targets), ()),
        steps=table.require(
            "steps",
            partial(steps, directory=directory, find_function=find_function, defaults=defaults),
            (),
            missing="declare each step of the project in a table [[projects.<name>.steps]]",
        ),
    )
    return replace(
        project,
        hooks=table.read("hooks", partial(hooks, project=project), {}),
        schedules=table.read("schedules", partial(schedules, project=project), ()),
    )


def _has_calls(node: Node) -> bool:
    steps = node.value.get("steps")
    return isinstance(steps, list) and any(isinstance(step, dict) and "call" in step for step in steps)


def _directory(node: Node, *, has_calls: bool) -> Path:
    directory = readers.path(node)
    if not readers.is_directory(directory):
        unchecked = "; its coroutines are not checked" if has_calls else ""
        raise InvalidValue(f"the directory {directory} does not exist{unchecked}")
    if not os.access(directory, os.X_OK):
        raise InvalidValue(f"the directory {directory} is not accessible to this user")
    return directory


def _log_limit(node: Node) -> LogLimit:
    missing = 'set the most that the log of a run may take, like { size = "500MB" }'
    table = Table(node, ("size", "then"), {})
    size_bytes = table.require("size", readers.size, DEFAULT_LOG_LIMIT_BYTES, missing=missing)
    return LogLimit(size_bytes, table.read("then", readers.choice("cut", "fail"), "cut"))


def _keep(node: Node) -> Keep:
    table = Table(node, ("runs", "age", "size"), {})
    return Keep(
        runs=table.read("runs", readers.whole_number(1, MAX_KEPT_RUNS), None),
        age_seconds=table.read("age", readers.long_duration, None),
        size_bytes=table.read("size", readers.size, None),
    )


def _env(node: Node) -> Mapping[str, str]:
    # A variable may be a secret, so no message contains its value.
    variables: dict[str, str] = {}
    for name in table_of(node):
        below = node.below(name)
        value = below.value
        if not _VARIABLE.fullmatch(name):
            below.refuse(f'{format_value(name)} is not a valid variable name (visible ASCII characters except "=")')
        elif name.startswith(_OWN_PREFIX):
            below.refuse(f"variables that begin with {_OWN_PREFIX} are reserved; choose another name")
        elif not isinstance(value, str):
            below.refuse("expected a string; put the value in quotes")
        elif any(reference.startswith(_OWN_PREFIX) for reference in find_references(value)):
            below.refuse(f"variables that begin with {_OWN_PREFIX} are reserved for Solorun and are not passed on")
        elif "\0" in value:
            below.refuse("contains a NUL character, which cannot be passed to a program")
        else:
            variables[name] = value
    return MappingProxyType(variables)


def _variable_pattern(node: Node) -> str:
    pattern = readers.text(node)
    if not _VARIABLE.fullmatch(pattern):
        raise InvalidValue("is not the name of a variable, nor a pattern like DB_*; to set a value, use env")
    if pattern.startswith(_OWN_PREFIX):
        raise InvalidValue(f"variables that begin with {_OWN_PREFIX} are reserved for Solorun and are not passed on")
    return pattern


def _variable(node: Node) -> str:
    # This may be the secret itself, so it is not repeated.
    if not _VARIABLE.fullmatch(readers.text(node)):
        raise InvalidValue("is not a valid variable name; write the name of the variable, not the secret itself")
    return str(node.value)
