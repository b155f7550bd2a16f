"""The exit codes of all commands. Scripts depend on these numbers."""

from enum import IntEnum
from http import HTTPStatus

from solorun import errors
from solorun.status import Status


class ExitCode(IntEnum):
    COMPLETED = 0
    FAILED = 1
    """The run failed, or a problem that `doctor` found remains."""
    USAGE = 2
    """The command line, solorun.toml, a setting, the token or the data directory must be changed, or Solorun has a bug.
    """
    CONFLICT = 3
    INTERRUPTED = 4
    UNREACHABLE = 5
    """The service does not answer, or cannot answer now. A later attempt may succeed."""
    NOT_FOUND = 6
    CTRL_C = 7
    """Ctrl-C ended this command. A run that it showed or waited for continues: 130 would say that it was cancelled."""
    CANCELLED = 130
    BROKEN_PIPE = 141
    """The reader closed the pipe. Shells report a program killed by SIGPIPE the same way."""


_OF_STATUS = {
    Status.COMPLETED: ExitCode.COMPLETED,
    Status.FAILED: ExitCode.FAILED,
    Status.CANCELLED: ExitCode.CANCELLED,
    Status.INTERRUPTED: ExitCode.INTERRUPTED,
}


def exit_code_of_status(status: Status) -> ExitCode:
    """The exit code for the final status of a run."""
    return _OF_STATUS[status]


def exit_code_of_error(error: errors.SolorunError) -> ExitCode:
    """The exit code of a command that failed with this error."""
    match error:
        case (
            errors.RunActive()
            | errors.ResourceBusy()
            | errors.QueueFull()
            | errors.HookBusy()
            | errors.RunNotActive()
            | errors.RunNotEnded()
            | errors.WorkerNotDrainable()
        ):
            return ExitCode.CONFLICT
        case (
            errors.ServiceUnreachable() | errors.ServiceDraining() | errors.StoreUnavailable() | errors.InternalError()
        ):
            return ExitCode.UNREACHABLE
        case errors.Problem(status=HTTPStatus.NOT_FOUND):
            return ExitCode.NOT_FOUND
        case _:
            return ExitCode.USAGE
