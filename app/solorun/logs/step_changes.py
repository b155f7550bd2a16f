"""What a record changes about a step of its run, and about the step's attempts."""

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from solorun.queueing import Slots
from solorun.record import Record
from solorun.run import Attempt, RunStep, end_last_attempt
from solorun.status import StepStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChange:
    """The new status of a step. When it becomes `running`, an attempt begins, with `slots` for the step alone.

    `command` is what the attempt executes; None for a coroutine or a function. With a `next_attempt_at`, the attempt
    has failed, and the step waits for the next one.
    """

    name: str
    status: StepStatus
    exit_code: int | None = None
    error_message: str | None = None
    slots: Slots = field(default_factory=dict)
    attempt: int = 1
    max_attempts: int = 1
    next_attempt_at: datetime | None = None
    command: str | None = None


def apply_change(step: RunStep, change: StepChange, record: Record) -> RunStep:
    """The step after the record that announces the change."""
    if change.status.has_ended:
        return end_step(step, change, record.time, record.seq)
    step = replace(
        step,
        status=change.status,
        first_seq=step.first_seq or record.seq,
        next_attempt_at=change.next_attempt_at,
    )
    if change.status is StepStatus.RUNNING:
        return _begin_attempt(step, change, record)
    if change.next_attempt_at is not None:
        failed = dataclasses.replace(change, status=StepStatus.FAILED)
        return replace(step, attempts=end_last_attempt(step.attempts, **_end(failed, record.time, record.seq)))
    return step


def end_step(step: RunStep, change: StepChange, finished_at: datetime, last_seq: int) -> RunStep:
    """The step after its end, which is also the end of its last attempt if that is running."""
    end = _end(change, finished_at, last_seq)
    return replace(step, attempts=end_last_attempt(step.attempts, **end), next_attempt_at=None, **end)


def _end(change: StepChange, finished_at: datetime, last_seq: int) -> dict[str, Any]:
    return {
        "status": change.status,
        "finished_at": finished_at,
        "exit_code": change.exit_code,
        "error_message": change.error_message,
        "last_seq": last_seq,
    }


def _begin_attempt(step: RunStep, change: StepChange, record: Record) -> RunStep:
    attempts = step.attempts
    if change.max_attempts > 1:
        attempts += (Attempt(change.attempt, change.status, record.time, first_seq=record.seq),)
    return replace(
        step,
        started_at=step.started_at or record.time,
        slots={name: list(taken) for name, taken in change.slots.items()} or step.slots,
        max_attempts=change.max_attempts,
        attempts=attempts,
    )
