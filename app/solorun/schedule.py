"""A schedule of a project as declared, and its firings: what became of its due times. Frozen values."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from solorun.cron import Cron
from solorun.parameter import ParamValue
from solorun.queueing import ConflictPolicy
from solorun.status import Status

SCHEDULE_NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
SCHEDULE_NAME_RULE: Final = 'lower-case letters, digits, "_" and "-"; starts with a letter; at most 40'
TRIGGERED_BY: Final = "schedule"
_DAY: Final = timedelta(days=1)


class MissedPolicy(StrEnum):
    """What a schedule does when its due times have passed while no service was running."""

    RUN_ONCE = "run-once"
    SKIP = "skip"


class FiringTrigger(StrEnum):
    """What leads to a firing."""

    SCHEDULE = "schedule"
    """A due time."""
    MANUAL = "manual"
    """A person or a program that ran the schedule."""


class FiringOutcome(StrEnum):
    """The result of a due time."""

    STARTED = "started"
    """It started a run, or queued one."""
    JOINED = "joined"
    """An active run does its work."""
    REFUSED = "refused"
    """The start was refused."""
    SKIPPED = "skipped"
    """Another run of the schedule was still queued."""
    MISSED = "missed"
    """No service was running, and the schedule skips what it has missed."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a project starts runs by itself, and which.

    `name` tells the schedules of a project apart; "" if it has none. Runs start up to `jitter_seconds` after they are
    due. A run that has not completed by the time of day `late`, in the schedule's time zone, is late.
    """

    project: str
    cron: Cron
    name: str = ""
    scope: str = "full"
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    on_conflict: ConflictPolicy = ConflictPolicy.QUEUE
    missed: MissedPolicy = MissedPolicy.RUN_ONCE
    jitter_seconds: float = 0.0
    enabled: bool = True
    late: time | None = None

    @property
    def id(self) -> str:
        """What identifies the schedule: `etl`, or `etl.nightly` if it has a name."""
        return f"{self.project}.{self.name}" if self.name else self.project

    @property
    def triggered_by(self) -> str:
        return f"{TRIGGERED_BY}:{self.name}" if self.name else TRIGGERED_BY

    @property
    def timing(self) -> str:
        """Identifies what the schedule's due times depend on: a schedule with another timing begins afresh."""
        return f"{self.cron.expression} {self.cron.timezone} {'enabled' if self.enabled else 'disabled'}"

    @property
    def delay(self) -> timedelta:
        """How long after a due time its run starts: the same for each due time, and in every process."""
        digest = hashlib.sha256(self.id.encode()).digest()
        return timedelta(seconds=int(int.from_bytes(digest[:4]) / 2**32 * self.jitter_seconds))

    def find_late_at(self, due: datetime) -> datetime | None:
        """When the run of this due time is late."""
        if self.late is None:
            return None
        zone = self.cron.zone
        date = due.astimezone(zone).date()
        moments = (datetime.combine(date + day * _DAY, self.late, tzinfo=zone).astimezone(UTC) for day in range(3))
        return next(moment for moment in moments if moment > due)


def timings_of(schedules: Iterable[Schedule]) -> dict[str, str]:
    return {schedule.id: schedule.timing for schedule in schedules}


def project_of(schedule: str) -> str:
    return schedule.partition(".")[0]


class Firing(msgspec.Struct, frozen=True):
    """The result of one due time of a schedule, or of a manual run. The schedule and `due_at` identify it.

    The `due_at` of a manual run is when it was started, and never a due time. `run_id` is the run that was started or
    joined; `run_status`, `run_started_at` and `run_finished_at` are of that run, and stay if it is deleted
    (`run_deleted`). `reason` says why there is none. `missed_count` is how many earlier due times had passed without a
    run, up to 1,000. `late` is None until `late_at`, and then whether the run had not completed.
    """

    schedule: str
    project: str
    due_at: datetime
    fired_at: datetime
    outcome: FiringOutcome = FiringOutcome.STARTED
    run_id: int | None = None
    reason: str = ""
    missed_count: int = 0
    late_at: datetime | None = None
    late: bool | None = None
    trigger: FiringTrigger = FiringTrigger.SCHEDULE
    run_status: Status | None = None
    run_started_at: datetime | None = None
    run_finished_at: datetime | None = None
    run_deleted: bool = False


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """What the store knows about a schedule. Due times up to `handled_until` have been handled.

    A paused schedule has `paused_at`, and who paused it and why.
    """

    handled_until: datetime
    paused_at: datetime | None = None
    paused_by: str | None = None
    pause_reason: str | None = None


class ScheduleSummary(msgspec.Struct, frozen=True):
    """A schedule as declared, and its state. `name` is "" if it has none.

    Its runs start `delay_seconds` after they are due, which is its part of `jitter_seconds`. `late` is a time of day in
    its time zone. `next_due_at` is empty while it is paused or not enabled. `estimated_seconds` is the median duration
    of the last completed runs of its scope.
    """

    id: str
    project: str
    name: str
    cron: str
    timezone: str
    scope: str
    params: dict[str, ParamValue]
    on_conflict: ConflictPolicy
    missed: MissedPolicy
    jitter_seconds: float
    delay_seconds: float
    enabled: bool
    late: str | None
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    next_due_at: tuple[datetime, ...]
    last_firing: Firing | None
    estimated_seconds: float | None
