"""Projects and steps as a program declares them: the keys of solorun.toml as arguments.

Nothing is validated here. `projects/` does that with the rules of solorun.toml when a Solorun gets the projects.
"""

import inspect
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from solorun.settings import format_duration

if TYPE_CHECKING:
    from solorun.function_context import FunctionContext
    from solorun.step import StepContext

Duration = str | timedelta
"""A duration as in solorun.toml, such as "1h30m", or a timedelta."""
Size = str
"""A size as in solorun.toml, such as "500MB"."""
Resources = Sequence[str] | Mapping[str, int]
"""Names of resources (one slot of each), or the number of slots by name."""


class StepKeys(TypedDict, total=False):
    """The keys of every step."""

    timeout: Duration
    stall_timeout: Duration | Mapping[str, Duration]
    worker: str
    resources: Resources
    retries: int
    retry_delay: Duration
    retry_max_delay: Duration
    retry_on: Sequence[str]


class CommandKeys(StepKeys, total=False):
    """The keys of a command step."""

    shell: str
    stderr: Literal["separate", "merge"]
    tty: bool
    detect_levels: bool


class ProjectKeys(TypedDict, total=False):
    """The keys of a project, except for its steps."""

    title: str
    dir: str | os.PathLike[str]
    timeout: Duration
    cancel_grace: Duration
    log_limit: Mapping[str, Size]
    keep: Mapping[str, int | Duration | Size]
    shell: str
    detect_levels: bool
    on_conflict: Literal["reject", "join", "queue", "replace"]
    queue_max: int
    queue_timeout: Duration
    worker: str
    resources: Resources
    env: Mapping[str, str]
    pass_env: Sequence[str]
    secrets: Sequence[str]
    params: Sequence[str] | Mapping[str, Mapping[str, Any]]
    hooks: Mapping[str, Mapping[str, Any]]
    schedules: Sequence[Mapping[str, Any]]
    notify: Sequence[str]


class _Declaration:
    """`table` is the table of solorun.toml that would declare the same, as plain data."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.table: dict[str, Any] = plain(table)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.table!r})"


class Step(_Declaration):
    """A step of any kind."""


class Command(Step):
    """A step that runs a process, in any language.

    `run` is a script for the shell, or a list of arguments that is run without one.
    """

    def __init__(self, name: str, run: str | Sequence[str], **keys: Unpack[CommandKeys]) -> None:
        super().__init__({"name": name, "run": run, **keys})


class Coroutine(Step):
    """A step that awaits `function` on the event loop that runs the Solorun, with a StepContext.

    A cancel raises asyncio.CancelledError in it. `function` may also be "module:function". Raises TypeError if it is
    not a coroutine function.
    """

    def __init__(
        self, name: str, function: "Callable[[StepContext], Awaitable[None]] | str", **keys: Unpack[StepKeys]
    ) -> None:
        if not isinstance(function, str) and not inspect.iscoroutinefunction(function):
            raise TypeError(f"step {name}: {function!r} is not a coroutine function; Function is for plain functions")
        super().__init__({"name": name, "call": function, **keys})


class Function(Step):
    """A step that calls `function` in a thread of its own, with a FunctionContext.

    A cancel raises StepCancelled in its next call of a method of the context, and sets `cancelled` there. A function
    that looks at neither cannot be stopped: its run stays active until it returns. `function` may also be
    "module:function". Raises TypeError if it is a coroutine function.
    """

    def __init__(
        self, name: str, function: "Callable[[FunctionContext], None] | str", **keys: Unpack[StepKeys]
    ) -> None:
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"step {name}: {function!r} is a coroutine function; Coroutine is for those")
        super().__init__({"name": name, "call": function, **keys})


class Project(_Declaration):
    """A project: its name, its steps in order, and the keys of a [projects.<name>] table.

    A name with `*`, `?` or `[...]` declares a family: every project whose name matches. `dir` starts at the working
    directory of the program.
    """

    def __init__(self, name: str, steps: Sequence[Step], **keys: Unpack[ProjectKeys]) -> None:
        super().__init__({**keys, "steps": [step.table for step in steps]})
        self.name = name


def plain(value: Any) -> Any:
    """The value as TOML would hold it. A key that is None is left out; a function stays one."""
    match value:
        case timedelta():
            return format_duration(value.total_seconds())
        case os.PathLike():
            return os.fspath(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value
