"""Builds a command's environment: a few variables of the service, then the project's, then Solorun's."""

import os
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from solorun.parameter import format_param
from solorun.project import Project, is_inheritable
from solorun.step import StepContext
from solorun.wire.encoding import encode

RUN_ID: Final = "SOLORUN_RUN_ID"
ARTIFACTS: Final = "SOLORUN_ARTIFACTS"

INHERITED: Final = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR"),
    *("LANG", "LANGUAGE", "LC_*", "TZ"),
)
"""The variables that every command gets, as patterns: who and where it is, and how to print text and times."""

_NOT_IN_A_NAME = re.compile(r"[^A-Z0-9]", re.ASCII)


def utf8_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process whose locale may have another encoding, decoded as the UTF-8 that commands get."""
    return {_decode(name): _decode(value) for name, value in environ.items()}


def command_environment(
    environ: Mapping[str, str], project: Project, context: StepContext, *, url: str | None = None, tty: bool = False
) -> dict[str, str]:
    """Build the environment of a command.

    `url` is the service's own. Of the service's variables, the command gets the usual ones, those that hold its
    secrets, and those that it requests. RUN_ID and ARTIFACTS (a path in the data directory) also identify orphaned
    processes: see `orphans.py`.
    """
    return (
        {"PYTHONUNBUFFERED": "1"}
        | ({"TERM": "xterm-256color"} if tty else {})
        | {name: value for name, value in environ.items() if _is_inherited(name, project)}
        | project.expand_env(environ)
        | {
            "SOLORUN_PROJECT": context.project,
            RUN_ID: str(context.run_id),
            "SOLORUN_SCOPE": context.scope,
            "SOLORUN_STEP": context.name,
            "SOLORUN_ATTEMPT": str(context.attempt),
            "SOLORUN_WORKSPACE": str(context.workspace),
            ARTIFACTS: str(context.artifacts),
        }
        | ({"SOLORUN_RERUN_OF": str(context.rerun_of)} if context.rerun_of is not None else {})
        | ({"SOLORUN_URL": url} if url else {})
        | {
            f"SOLORUN_RESOURCE_{_NOT_IN_A_NAME.sub('_', name.upper())}": ",".join(map(str, slots))
            for name, slots in context.slots.items()
        }
        | {"SOLORUN_PARAMS": encode(context.params).decode()}
        | {
            f"SOLORUN_PARAM_{_NOT_IN_A_NAME.sub('_', name.upper())}": format_param(value)
            for name, value in context.params.items()
        }
    )


def _is_inherited(name: str, project: Project) -> bool:
    is_wanted = any(fnmatchcase(name, pattern) for pattern in (*INHERITED, *project.pass_env))
    return (is_wanted or name in project.secrets) and is_inheritable(name)


def _decode(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "surrogateescape")
