"""What the work belongs to: a project, its steps, and families of projects. Declared in solorun.toml; frozen values."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
FULL_SCOPE: Final = "full"
FROM_PREFIX: Final = "from:"
DEFAULT_CANCEL_GRACE_SECONDS: Final = 10.0
MAX_PARAM_BYTES: Final = 4 * 1024
MIN_SECRET_CHARACTERS: Final = 5
"""A shorter value would mask half the log and hide nothing."""


def can_be_masked(value: str) -> bool:
    """Whether a line of a secret, without the blanks around it, is long enough."""
    return any(len(line.strip()) >= MIN_SECRET_CHARACTERS for line in value.splitlines())


@dataclass(frozen=True, slots=True)
class CommandStep:
    """A step that is a process. `run` is a shell line (`/bin/sh -c`), or an argument vector that meets no shell."""

    name: str
    run: str | tuple[str, ...]
    timeout_seconds: float | None = None
    kind: str = field(default="command", init=False)


@dataclass(frozen=True, slots=True)
class CoroutineStep:
    """A step that is a coroutine function in the service's own loop. `call` is `module:function`."""

    name: str
    call: str
    function: Callable[[Any], Awaitable[None]]
    timeout_seconds: float | None = None
    kind: str = field(default="coroutine", init=False)


StepDeclaration = CommandStep | CoroutineStep


@dataclass(frozen=True, slots=True)
class Project:
    """A project as declared. A run keeps the one it began with, whatever the file says later.

    `directory` is absolute. `secrets` names variables (of the service's environment or of `env`) whose values are
    masked in logs. `pass_env` names more variables of the service's environment that commands get; `*`, `?` and `[...]`
    are wildcards. `params` are the names a start may give.
    """

    name: str
    title: str
    directory: Path
    steps: tuple[StepDeclaration, ...]
    timeout_seconds: float | None = None
    cancel_grace_seconds: float = DEFAULT_CANCEL_GRACE_SECONDS
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    pass_env: tuple[str, ...] = ()
    params: tuple[str, ...] = ()

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every scope a start may name: `full`, each step, and from each step on."""
        names = [step.name for step in self.steps]
        return (FULL_SCOPE, *names, *(FROM_PREFIX + name for name in names))

    def find_steps(self, scope: str) -> tuple[StepDeclaration, ...] | None:
        """The steps that `scope` executes, in order; None when the project has no such scope."""
        if scope == FULL_SCOPE:
            return self.steps
        name = scope.removeprefix(FROM_PREFIX)
        for index, step in enumerate(self.steps):
            if step.name == name:
                return self.steps[index:] if scope != name else (step,)
        return None


@dataclass(frozen=True, slots=True)
class Family:
    """A declaration for every project whose name matches `pattern` (`*`, `?`, `[...]` as in a shell)."""

    pattern: str
    template: Project

    def matches(self, name: str) -> bool:
        return NAME_PATTERN.fullmatch(name) is not None and fnmatchcase(name, self.pattern)
