"""What the process says with its exit code. Scripts depend on these numbers."""

from enum import IntEnum

from solorun.errors import (
    ArtifactNotFound,
    InternalError,
    NotFound,
    ProjectNotFound,
    RunActive,
    RunNotActive,
    RunNotFound,
    ServiceDraining,
    ServiceUnreachable,
    SolorunError,
    StoreUnavailable,
)
from solorun.status import Status


class ExitCode(IntEnum):
    COMPLETED = 0
    FAILED = 1
    USAGE = 2
    """The command line, solorun.toml, a setting, a token, a data directory: something the caller has to change."""
    CONFLICT = 3
    INTERRUPTED = 4
    UNREACHABLE = 5
    NOT_FOUND = 6
    CANCELLED = 130
    """The run was cancelled, or Ctrl-C ended this command."""
    BROKEN_PIPE = 141
    """Whoever read the output left: what a shell says of a program that SIGPIPE ended."""


_OF_STATUS = {
    Status.COMPLETED: ExitCode.COMPLETED,
    Status.FAILED: ExitCode.FAILED,
    Status.CANCELLED: ExitCode.CANCELLED,
    Status.INTERRUPTED: ExitCode.INTERRUPTED,
}


def exit_code_of_status(status: Status) -> ExitCode:
    """The exit code that tells how a run ended."""
    return _OF_STATUS[status]


def exit_code_of_error(error: SolorunError) -> ExitCode:
    """The exit code of a command that an error ended."""
    match error:
        case RunActive() | RunNotActive():
            return ExitCode.CONFLICT
        case ServiceUnreachable() | ServiceDraining() | StoreUnavailable():
            return ExitCode.UNREACHABLE
        case ProjectNotFound() | RunNotFound() | ArtifactNotFound() | NotFound():
            return ExitCode.NOT_FOUND
        case InternalError():
            return ExitCode.FAILED
        case _:
            return ExitCode.USAGE
