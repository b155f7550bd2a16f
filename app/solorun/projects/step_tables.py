"""Validates a project's [[steps]] and builds CommandSteps and CoroutineSteps.

A function that is named is found by the FindFunction that is passed in: `coroutines` does the importing. A program that
declares a project passes the function itself.
"""

import inspect
import re
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from solorun.project import FULL_SCOPE, CommandStep, CoroutineStep, StepDeclaration
from solorun.projects import readers
from solorun.projects.resource_tables import resources
from solorun.projects.retry_tables import retries, stall_timeout
from solorun.projects.validation import InvalidValue, Node, Table, format_value

_COMMAND_KEYS: Final = ("shell", "stderr", "tty", "detect_levels")
STEP_KEYS: Final = (
    *("name", "run", "call", "timeout", "stall_timeout", "resources", "worker"),
    *("retries", "retry_delay", "retry_max_delay", "retry_on"),
    *_COMMAND_KEYS,
)

StepFunction = Callable[[Any], Awaitable[None] | None]
FindFunction = Callable[[str, Node, Path], StepFunction | None]
"""Find the function that `module:function` names, for the project of this directory. Raises InvalidValue."""

_CALL = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")
_PROJECT_KEYS: Final = ("cancel_grace", "log_limit", "keep", "on_conflict", "pass_env", "secrets", "params", "notify")
_HINTS = {
    **dict.fromkeys(_PROJECT_KEYS, "set it for the whole project"),
    "env": "set variables for the whole project",
    "dir": "set the directory for the whole project",
    "command": 'did you mean "run"?',
    "cmd": 'did you mean "run"?',
    "retry": 'did you mean "retries"?',
}


@dataclass(frozen=True, slots=True)
class StepDefaults:
    """What a project sets for all of its steps."""

    shell: tuple[str, ...] | None
    detect_levels: bool


def steps(
    node: Node, directory: Path | None, find_function: FindFunction, defaults: StepDefaults
) -> tuple[StepDeclaration, ...]:
    """A project's list of steps. If `directory` is None (it is invalid), coroutines are not imported."""
    if isinstance(node.value, dict):
        raise InvalidValue("expected a list of tables; write [[projects.<name>.steps]] in double brackets")
    read_step = partial(_step, directory=directory, find_function=find_function, defaults=defaults)
    found = readers.array(read_step, "a list of tables [[projects.<name>.steps]]")(node)
    if not node.value:
        raise InvalidValue("is empty; a project needs at least one step")
    _refuse_repeated_names(node)
    return found


label: Final = readers.name("label")
"""A reader of the label of a worker."""


def shell(node: Node) -> tuple[str, ...]:
    """The words of a command line that runs a script: `bash -euo pipefail`."""
    try:
        return tuple(shlex.split(readers.text(node)))
    except ValueError as error:
        raise InvalidValue(f"{format_value(node.value)} is not a command line: {str(error).lower()}") from None


def _step(node: Node, directory: Path | None, find_function: FindFunction, defaults: StepDefaults) -> StepDeclaration:
    table = Table(node, STEP_KEYS, _HINTS)
    name = table.require("name", _name, "", missing="scopes and logs refer to a step by its name")
    timeout_seconds = table.read("timeout", readers.duration, None)
    stalls = table.read("stall_timeout", stall_timeout, None)
    tries = retries(table)
    worker = table.read("worker", label, None)
    needs = table.read("resources", resources, {})
    if "run" in table and "call" in table:
        node.refuse('has both "run" and "call"; a step is either a command or a function')
    if "run" not in table and "call" not in table:
        node.refuse('needs "run" (a command) or "call" (a function)')
    command = table.read("run", _command, "")
    read_call = partial(_function, directory=directory, find_function=find_function)
    function = table.read("call", read_call, None)
    as_command = CommandStep(
        name,
        command,
        timeout_seconds,
        shell=table.read("shell", shell, defaults.shell),
        stderr=table.read("stderr", readers.choice("separate", "merge"), "separate"),
        tty=table.read("tty", readers.boolean, False),
        detect_levels=table.read("detect_levels", readers.boolean, defaults.detect_levels),
        worker=worker,
        resources=needs,
        retries=tries,
        stall_timeout=stalls,
    )
    if "shell" in table and isinstance(command, tuple):
        node.below("shell").refuse("is for scripts; a list of arguments is run without a shell")
    for key in filter(table.__contains__, _COMMAND_KEYS if "call" in table else ()):
        node.below(key).refuse('is for commands; a step with "call" runs none')
    if function is None:
        return as_command
    called = _name_of_call(node.value["call"])
    return CoroutineStep(name, called, function, timeout_seconds, worker, needs, tries, stalls)


def _name(node: Node) -> str:
    if node.value == FULL_SCOPE:
        raise InvalidValue(f'"{FULL_SCOPE}" is the scope of all steps and cannot be the name of one')
    return readers.name("step name")(node)


def _command(node: Node) -> str | tuple[str, ...]:
    if isinstance(node.value, str):
        return readers.text(node)
    words = readers.array(readers.text, 'a command: a string for the shell, or a list like ["python", "extract.py"]')(
        node
    )
    if not node.value:
        raise InvalidValue("is an empty list; the first item is the program")
    return words


def check_function(function: StepFunction, name: str) -> StepFunction:
    """A function that a step can call. Raises InvalidValue."""
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise InvalidValue(f'{format_value(name)} contains "yield", so it is a generator; a step returns once')
    if inspect.isclass(function) or not callable(function):
        raise InvalidValue(
            f"{format_value(name)} is not a function; write async def {name}(step: StepContext) -> None, "
            f"or def {name}(step: FunctionContext) -> None"
        )
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise InvalidValue(
            f"{format_value(name)} must accept the step as its only argument; write async def {name}(step)"
        ) from None
    except ValueError:
        pass  # A function in C may have no signature.
    return function


def _function(node: Node, directory: Path | None, find_function: FindFunction) -> StepFunction | None:
    if callable(node.value):
        return check_function(node.value, getattr(node.value, "__name__", "function"))
    call = readers.text(node)
    if not _CALL.fullmatch(call):
        raise InvalidValue(f'{format_value(call)} is not a function; write it like "package.module:function"')
    return find_function(call, node, directory) if directory else None


def _name_of_call(call: Any) -> str:
    """`module:function`, of a function too."""
    return call if isinstance(call, str) else f"{call.__module__}:{getattr(call, '__qualname__', type(call).__name__)}"


def _refuse_repeated_names(node: Node) -> None:
    first: dict[str, int] = {}
    for index, item in enumerate(node.items()):
        name = item.value.get("name") if isinstance(item.value, dict) else None
        if isinstance(name, str) and first.setdefault(name, index) != index:
            item.below("name").refuse(f"{format_value(name)} is already the name of steps[{first[name]}]")
