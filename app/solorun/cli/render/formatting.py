"""Formats durations and times for people."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from solorun.outcome import StopEffect
from solorun.queueing import Slots
from solorun.run import Attempt, Cancel, Run, RunStep
from solorun.status import Status, StepStatus

_MIN_STOP_SECONDS: Final = 0.05
"""Less is shown as 0.0 s."""

_ORIGINS: Final = {
    "cli": "from the CLI",
    "api": "through the API",
    "dashboard": "from the dashboard",
    "schedule": "by a schedule",
}


def format_duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `2 h 7 min`, `3 d 4 h`: at most two units."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def format_age(at: datetime) -> str:
    """How long ago `at` was."""
    return format_duration((datetime.now(UTC) - at).total_seconds())


def format_elapsed(of: Run | RunStep | Attempt) -> str:
    """The duration of a run, a step or an attempt, so far if it is active. "" if it never started, or if a crash hid
    its end, which is recorded only when the service is back.
    """
    if of.started_at is None or _is_end_unknown(of):
        return ""
    end = of.finished_at or datetime.now(UTC)
    return format_duration((end - of.started_at).total_seconds())


def _is_end_unknown(of: Run | RunStep | Attempt) -> bool:
    """A service that shuts down stops the command, and notes its exit code."""
    if isinstance(of, Run):
        stopped = (step for step in of.steps if step.status in (StepStatus.INTERRUPTED, StepStatus.FAILED))
        return of.status is Status.INTERRUPTED and all(step.exit_code is None for step in stopped)
    return of.status is StepStatus.INTERRUPTED and of.exit_code is None


def format_stop(cancel: Cancel) -> str:
    """What the work did after it was asked to stop: `was killed 10 s after the request`. "" if it stopped at once."""
    if cancel.signalled_at is None or cancel.settled_at is None or cancel.effect is None:
        return ""
    seconds = (cancel.settled_at - cancel.signalled_at).total_seconds()
    later = f" {format_duration(seconds)} after the request" if seconds >= _MIN_STOP_SECONDS else ""
    words = {
        StopEffect.STOPPED: "stopped",
        StopEffect.KILLED: "was killed",
        StopEffect.IGNORED: "ignored the cancel and ended",
    }
    return f"{words[cancel.effect]}{later}" if later or cancel.effect is not StopEffect.STOPPED else ""


def format_queue(run: Run) -> str:
    """The place of a queued run: `number 2 in the queue, waits for gpu`. "" for other runs."""
    if run.queue_position is None:
        return ""
    begins = f", begins at about {run.estimated_start_at.astimezone():%H:%M %Z}" if run.estimated_start_at else ""
    waits = f", waits for {', '.join(run.waits_for)}" if run.waits_for else ""
    return f"number {run.queue_position} in the queue{waits}{begins}"


def format_origin(caller: str) -> str:
    """What follows `started` or `paused`: `from the CLI`, or `by ada` for the name that a caller gave."""
    return _ORIGINS.get(caller, f"by {caller}")


def format_labels(labels: Sequence[str]) -> str:
    """`the label gpu`, `the labels eu, gpu`."""
    return f"the label{'s' if len(labels) > 1 else ''} {', '.join(labels)}"


def format_slots(slots: Slots) -> str:
    """`gpu 0,1; disk 3`."""
    return "; ".join(f"{name} {','.join(map(str, numbers))}" for name, numbers in slots.items())


def format_moment(at: datetime | None) -> str:
    """Local date and time, to the second, and the name of the time zone."""
    return f"{format_cell(at)} {at.astimezone():%Z}" if at is not None else ""


def format_cell(at: datetime) -> str:
    """The same in a column whose heading is `head_times`."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def head_times(heading: str, cells: Iterable[object]) -> str:
    """`CREATED (CET)`: the heading of a column, with the time zone if there are times among its cells."""
    zones = dict.fromkeys(f"{cell.astimezone():%Z}" for cell in cells if isinstance(cell, datetime))
    return f"{heading} ({'/'.join(zones)})" if zones else heading
