"""How an execution ended, as a value, before it is recorded."""

import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from solorun.status import Status, StepStatus

MAX_ERROR_MESSAGE_CHARACTERS: Final = 500


class StopReason(Enum):
    """Why work had to stop. The first reason decides the run's outcome."""

    CANCEL = "cancel", Status.CANCELLED
    RUN_TIMEOUT = "run time-out", Status.FAILED
    STEP_TIMEOUT = "step time-out", Status.FAILED
    STALL = "stall", Status.FAILED
    LOG_LIMIT = "log limit", Status.FAILED
    SHUTDOWN = "shutdown", Status.INTERRUPTED
    LEASE_LOST = "lease lost", Status.INTERRUPTED

    @property
    def status(self) -> Status:
        """The status of a run whose work stopped for this reason, whatever its exit code."""
        return self.value[1]

    @property
    def ends_run(self) -> bool:
        """Whether the run has to stop too. Otherwise the step may be tried again."""
        return self not in (StopReason.STEP_TIMEOUT, StopReason.STALL)


class StopEffect(StrEnum):
    """What a step did after it was asked to stop.

    `stopped`: it ended within its grace period. A command does so when all of its processes have exited; a coroutine,
    when it raises the CancelledError of its first cancellation, or an error that came of it.
    `ignored`: it ended in its own time. A coroutine caught its cancellation and went on, or needed another one; a
    process of the command could not be killed.
    `killed`: a process of the command was still alive after the grace period, and got SIGKILL.
    """

    STOPPED = "stopped"
    IGNORED = "ignored"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended, by itself or because it was stopped.

    `exit_code` is the command's, negative for the signal that ended it; None for a coroutine and for a command that
    could not be started. `error_message` is None exactly when the step succeeded.
    """

    exit_code: int | None = None
    error_message: str | None = None

    @property
    def succeeded(self) -> bool:
        return self.error_message is None

    @property
    def status(self) -> StepStatus:
        return StepStatus.COMPLETED if self.succeeded else StepStatus.FAILED


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: a terminal status, and one short cause if it failed or was interrupted."""

    status: Status
    error_message: str | None = None


_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_ABSOLUTE_PATH = re.compile(r"(?<![\w:/.-])/(?:[^\s/'\"<>:,;()\[\]]+/)+([^\s/'\"<>:,;()\[\]]+)")


def short_error_message(text: str) -> str:
    """Fit for a run's row: one line of at most 500 characters, with `…/` for directories of the server."""
    # An exception's text may contain a lone surrogate, which can be neither stored nor sent.
    text = text.encode("utf-8", "replace").decode()
    text = " ".join(_ABSOLUTE_PATH.sub(r"…/\1", _CONTROL_CHARACTERS.sub(" ", text)).split())
    if len(text) > MAX_ERROR_MESSAGE_CHARACTERS:
        text = text[: MAX_ERROR_MESSAGE_CHARACTERS - 1] + "…"
    return text or "unknown error"


def format_exception(error: BaseException) -> str:
    """`KeyError: 'title'`, shortened for a run's row. The traceback belongs in the log."""
    return short_error_message(f"{type(error).__name__}: {error}".removesuffix(": "))
