"""A run, as API, client and dashboard see it: one execution of a scope of a project."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from solorun.outcome import StopEffect
from solorun.parameter import ParamValue
from solorun.status import Status, StepStatus
from solorun.worker import DEFAULT_LABELS

MAX_RUN_ID: Final = 2**63 - 1
CALLER_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*(?!\n)$"
"""`triggered_by` and `requested_by` fit on one line. The OpenAPI document and the engine share this pattern.

Unlike JSON Schema's, Python's `$` also matches before a final line feed.
"""
MAX_CALLER_CHARACTERS: Final = 64


def is_caller(name: str) -> bool:
    """Whether this can be the `triggered_by` of a run."""
    has_surrogate = any("\ud800" <= character <= "\udfff" for character in name[:MAX_CALLER_CHARACTERS])
    return 1 <= len(name) <= MAX_CALLER_CHARACTERS and not has_surrogate and re.search(CALLER_PATTERN, name) is not None


class LevelCounts(msgspec.Struct, frozen=True):
    """How many records there are of each level."""

    debug: int = 0
    info: int = 0
    warning: int = 0
    error: int = 0

    def __add__(self, other: "LevelCounts") -> "LevelCounts":
        return LevelCounts(
            self.debug + other.debug, self.info + other.info, self.warning + other.warning, self.error + other.error
        )

    def total(self, levels: Iterable[str] = ("debug", "info", "warning", "error")) -> int:
        return sum(getattr(self, level) for level in levels)


class Attempt(msgspec.Struct, frozen=True):
    """One try of a step, counted from 1. `exit_code` and the bounds of its records are as in RunStep.

    The record that announces the next attempt is the last one of an attempt that failed.
    """

    number: int
    status: StepStatus
    started_at: datetime
    finished_at: datetime | None = None
    exit_code: int | None = None
    error_message: str | None = None
    first_seq: int | None = None
    last_seq: int | None = None


def end_last_attempt(attempts: tuple[Attempt, ...], **end: Any) -> tuple[Attempt, ...]:
    """The attempts after the end of the last one; unchanged if it has ended already."""
    if not attempts or attempts[-1].status.has_ended:
        return attempts
    return (*attempts[:-1], replace(attempts[-1], **end))


class RunStep(msgspec.Struct, frozen=True):
    """A step of a run. `exit_code` is negative for a signal, None for a coroutine and for a step that never ran.

    `first_seq` and `last_seq` (inclusive) bound the step's records, including those that say it started and ended. If
    the step has several attempts, it starts with the first, and how it ended is how the last one ended.
    """

    name: str
    status: StepStatus = StepStatus.PENDING
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    error_message: str | None = None
    first_seq: int | None = None
    last_seq: int | None = None
    resources: dict[str, int] = {}
    """How many slots of each resource the step requires for itself."""
    slots: dict[str, list[int]] = {}
    """The slots it holds, or held."""
    max_attempts: int = 1
    """How many attempts it has at most, known once it has started."""
    attempts: tuple[Attempt, ...] = ()
    """Those that have begun. Empty for a step without retries: it has one attempt, which the other fields describe."""
    next_attempt_at: datetime | None = None
    """When the next attempt begins, while the step waits for it."""


class Cancel(msgspec.Struct, frozen=True):
    """The cancel of a run: who requested it and why, and what came of it. Absent values are None.

    `grace_seconds` is how long the work may take to stop; None for a run that no task worked for. `signalled_at` is
    when the step in progress was asked to stop. `position` is where its work was then, outermost first: the command's
    processes, as `41 (sh build.sh)`, or the coroutine's stack, as `build.py:12 in publish`. These three, and `effect`,
    stay absent if the cancel stopped no step: none was running, it ended first, or it was being stopped already.
    `settled_at` is when the work had stopped, or else when the run ended.
    """

    requested_at: datetime
    requested_by: str
    reason: str = ""
    grace_seconds: float | None = None
    signalled_at: datetime | None = None
    position: tuple[str, ...] = ()
    effect: StopEffect | None = None
    settled_at: datetime | None = None


class Refusal(msgspec.Struct, frozen=True):
    """A worker that cannot execute a run, since when, and why. Others may claim the run."""

    worker: str
    refused_at: datetime
    reason: str


class Run(msgspec.Struct, frozen=True):
    """A run. Times are aware UTC; absent values are None; `steps` are those in scope, in order.

    `last_seq` is the seq of the last committed record, 0 before the first. `current_step` is the step in progress.
    `rerun_of` is the id of the run that this one repeats, which may have been deleted. Secrets in `params` are masked.
    A `pinned` run is never deleted.
    """

    id: int
    project: str
    scope: str
    status: Status
    triggered_by: str
    params: dict[str, ParamValue]
    created_at: datetime
    rerun_of: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    cancel_requested_by: str | None = None
    cancel_reason: str | None = None
    cancel: Cancel | None = None
    error_message: str | None = None
    current_step: str | None = None
    progress_current: int | None = None
    progress_total: int | None = None
    progress_item: str | None = None
    last_seq: int = 0
    level_counts: LevelCounts = LevelCounts()
    first_error_seq: int | None = None
    steps: tuple[RunStep, ...] = ()
    resources: dict[str, int] = {}
    """How many slots of each resource the run requires."""
    slots: dict[str, list[int]] = {}
    """The slots it holds, or held."""
    replaces: int | None = None
    """The run that was cancelled for this one to begin."""
    queue_deadline: datetime | None = None
    """When a queued run is cancelled because it has waited too long."""
    queue_position: int | None = None
    """From 1 within its project; None unless the run is queued."""
    waits_for: tuple[str, ...] = ()
    """The resources that a queued run waits for; () if it waits for its project."""
    estimated_start_at: datetime | None = None
    """When a queued run will begin if the runs before it take as long as usual; None if that is unknown."""
    pinned: bool = False
    worker: str | None = None
    """The process that executes the run, or executed it. None until one has claimed it."""
    labels: tuple[str, ...] = DEFAULT_LABELS
    """The labels that a worker must have to execute it."""
    refusals: tuple[Refusal, ...] = ()
    """The last workers that refused it, oldest first."""
    pipeline: str | None = None
    """The version of its steps, with which it was started."""
    traceparent: str | None = None
    """The span of the caller that started it, as W3C Trace Context."""

    @property
    def waits_for_worker(self) -> bool:
        """Whether nothing that the run needs is taken, and no process has claimed it."""
        return self.status is Status.PENDING and self.worker is None

    @property
    def has_ended(self) -> bool:
        return self.status.has_ended

    @property
    def holds_project(self) -> bool:
        return self.status.holds_project

    @property
    def label(self) -> str:
        """How the service's log names it."""
        return f"Run {self.id} of {self.project}"

    @property
    def log_fields(self) -> dict[str, object]:
        """The `extra` of a service log message about this run."""
        return {"run_id": self.id, "project": self.project}


def cancel_fields(cancel: Cancel | None) -> dict[str, Any]:
    """The fields of a run that a cancel sets."""
    return {
        "cancel": cancel,
        "cancel_requested_at": cancel and cancel.requested_at,
        "cancel_requested_by": cancel and cancel.requested_by,
        "cancel_reason": cancel and cancel.reason,
    }


class Artifact(msgspec.Struct, frozen=True):
    """A file that a run left. `name` is its path below the run's artifact directory, with `/`."""

    name: str
    size_bytes: int
    media_type: str
    created_at: datetime


def format_size(size_bytes: int) -> str:
    """`317 B`, `12.5 kB`, `3.1 MB`."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
