"""Projects, their steps, and families of projects, as declared in solorun.toml. Frozen values."""

import inspect
import re
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Protocol

from solorun.hook import Hook
from solorun.notification import NotifyEvent, NotifyTarget
from solorun.parameter import Parameter
from solorun.queueing import ConflictPolicy
from solorun.retries import Retries
from solorun.schedule import Schedule

NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
NAME_RULE: Final = 'lower-case letters, digits, "_" and "-"; starts with a letter; at most 63'
FULL_SCOPE: Final = "full"
FROM_PREFIX: Final = "from:"
DEFAULT_CANCEL_GRACE_SECONDS: Final = 10.0
DEFAULT_LOG_LIMIT_BYTES: Final = 2**30
DEFAULT_QUEUE_MAX: Final = 100
MIN_SECRET_CHARACTERS: Final = 5
"""Masking a shorter value would hide half the log, and not the secret."""


NEVER_INHERITED: Final = ("SOLORUN_*", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_*", "LISTEN_*")
"""Variables that no command gets: settings and secrets of the service, and the channels on which its process manager
listens to it."""
_REFERENCE = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\})")


def find_references(value: str) -> list[str]:
    """The names in the references `${NAME}` of a value in `env`."""
    return [found[1] for found in _REFERENCE.finditer(value) if found[1]]


def is_inheritable(name: str) -> bool:
    """Whether a command may get this variable of the service."""
    return not any(fnmatchcase(name, pattern) for pattern in NEVER_INHERITED)


def can_be_masked(value: str) -> bool:
    """Whether a line of the secret is long enough, without the whitespace around it."""
    return any(len(line.strip()) >= MIN_SECRET_CHARACTERS for line in value.splitlines())


@dataclass(frozen=True, slots=True)
class StallTimeout:
    """How long a step may write nothing. `then` is "fail" to stop it, or "warn" to log a warning."""

    after_seconds: float
    then: str = "fail"


@dataclass(frozen=True, slots=True)
class CommandStep:
    """A step that runs a process. `run` is a script for `shell`, or an argument list run without a shell.

    `stderr` is "separate", or "merge" to share the pipe of stdout. With `tty`, both are a pseudo-terminal. With
    `detect_levels`, lines that look like errors or warnings become records of that level.
    """

    name: str
    run: str | tuple[str, ...]
    timeout_seconds: float | None = None
    shell: tuple[str, ...] | None = None
    stderr: str = "separate"
    tty: bool = False
    detect_levels: bool = True
    worker: str | None = None
    resources: Mapping[str, int] = field(default_factory=dict)
    retries: Retries = field(default_factory=Retries)
    stall_timeout: StallTimeout | None = None
    kind: str = field(default="command", init=False)

    @property
    def command_line(self) -> str:
        """The command as declared, as one would type it into a shell."""
        return self.run.strip() if isinstance(self.run, str) else shlex.join(self.run)


@dataclass(frozen=True, slots=True)
class CoroutineStep:
    """A step that calls a Python function in the service's process. `call` is `module:function`.

    A coroutine function runs on the service's event loop. A plain function gets a thread, and a FunctionContext.
    """

    name: str
    call: str
    function: Callable[[Any], Awaitable[None] | None]
    timeout_seconds: float | None = None
    worker: str | None = None
    resources: Mapping[str, int] = field(default_factory=dict)
    retries: Retries = field(default_factory=Retries)
    stall_timeout: StallTimeout | None = None

    @property
    def kind(self) -> str:
        return "coroutine" if inspect.iscoroutinefunction(self.function) else "function"


StepDeclaration = CommandStep | CoroutineStep


@dataclass(frozen=True, slots=True)
class LogLimit:
    """How much of a run's output is recorded. `then` is "cut" to drop the rest, or "fail" to fail the run too."""

    size_bytes: int = DEFAULT_LOG_LIMIT_BYTES
    then: str = "cut"


@dataclass(frozen=True, slots=True)
class Keep:
    """How many ended runs a project keeps, how old, and of which total size. None means no limit."""

    runs: int | None = None
    age_seconds: float | None = None
    size_bytes: int | None = None

    @property
    def is_limited(self) -> bool:
        return self != Keep()


@dataclass(frozen=True, slots=True)
class Project:
    """A project as declared. A run keeps the declaration it started with, even if the file changes.

    `directory` is absolute. `env` is as declared; `expand_env` expands it. `secrets` are the names of variables (in the
    service's environment or in `env`) whose values are masked in logs. `pass_env` names more variables of the service's
    environment that commands get; `*`, `?` and `[...]` are wildcards. `params` are the parameters that a start may set.
    `resources` is how many slots of each resource a run requires. `on_conflict` is what a start does by default; at
    most `queue_max` runs wait, each for `queue_timeout_seconds` at most. `keep` says which ended runs are not deleted.
    `hooks` are by name. `notify` are the targets that receive news about its runs. `worker` is the label that a worker
    must have to execute them.
    """

    name: str
    title: str
    directory: Path
    steps: tuple[StepDeclaration, ...]
    timeout_seconds: float | None = None
    cancel_grace_seconds: float = DEFAULT_CANCEL_GRACE_SECONDS
    log_limit: LogLimit = LogLimit()
    keep: Keep = Keep()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    pass_env: tuple[str, ...] = ()
    params: tuple[Parameter, ...] = ()
    worker: str | None = None
    resources: Mapping[str, int] = field(default_factory=dict)
    on_conflict: ConflictPolicy = ConflictPolicy.REJECT
    queue_max: int = DEFAULT_QUEUE_MAX
    queue_timeout_seconds: float | None = None
    schedules: tuple[Schedule, ...] = ()
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    notify: tuple[NotifyTarget, ...] = ()

    @property
    def subscriptions(self) -> dict[str, tuple[NotifyEvent, ...]]:
        """The names of the targets, each with the events that it receives."""
        return {target.name: target.events for target in self.notify}

    def targets_of(self, event: NotifyEvent) -> list[str]:
        return [target.name for target in self.notify if event in target.events]

    def expand_env(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`env`, with `${NAME}` replaced by the service's variable of that name, or "", and `$$` by a dollar."""

        def replace(found: re.Match[str]) -> str:
            name = found[1]
            return "$" if name is None else environ.get(name, "") if is_inheritable(name) else ""

        return {name: _REFERENCE.sub(replace, value) for name, value in self.env.items()}

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of a start: `full`, each step, and each step with all steps after it."""
        names = [step.name for step in self.steps]
        return (FULL_SCOPE, *names, *(FROM_PREFIX + name for name in names))

    def find_steps(self, scope: str) -> tuple[StepDeclaration, ...] | None:
        """The steps in `scope`, in order; None if the project does not have this scope."""
        if scope == FULL_SCOPE:
            return self.steps
        name = scope.removeprefix(FROM_PREFIX)
        for index, step in enumerate(self.steps):
            if step.name == name:
                return self.steps[index:] if scope != name else (step,)
        return None


@dataclass(frozen=True, slots=True)
class Family:
    """A declaration for every project whose name matches `pattern` (with `*`, `?` and `[...]` as in a shell)."""

    pattern: str
    template: Project

    def matches(self, name: str) -> bool:
        return NAME_PATTERN.fullmatch(name) is not None and fnmatchcase(name, self.pattern)


def describe_outdated(fault: str) -> str:
    """Why what has just been declared is missing."""
    return f"solorun.toml is invalid, so the service uses its last valid version: {fault}"


class Projects(Protocol):
    """The projects that can be started, as last read from where they are declared.

    `faults` are the errors of the latest reading. If there are any, the projects are those of an earlier one.
    `resources` is the number of slots of each declared resource, and `schedules` are those of all projects.
    """

    @property
    def faults(self) -> tuple[str, ...]: ...

    @property
    def resources(self) -> Mapping[str, int]: ...

    @property
    def schedules(self) -> Sequence[Schedule]: ...

    def find_project(self, name: str) -> Project | None:
        """Like `get_project`, but None if there is no such project."""

    def get_project(self, name: str) -> Project:
        """The project of this name, or the one that a family declares for it. Raises ProjectNotFound."""

    async def refresh(self) -> None:
        """Read the declarations again if they have changed. Never raises.

        Simultaneous callers share one reading. Invalid declarations are logged, and the last valid ones stay in
        effect.
        """
