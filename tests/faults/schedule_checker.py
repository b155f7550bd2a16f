"""Two schedules, and a check that each of their due times has fired once."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import takewhile

from solorun.cron import Cron
from solorun.run import Run
from solorun.runs.reaper import TOO_LATE, UNCONFIRMED
from solorun.schedule import Firing, FiringOutcome, Schedule
from solorun.store import Store

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCHEDULES = (
    Schedule("etl", Cron("0 3 * * *", "Europe/Berlin")),
    Schedule("report", Cron("30 2 * * *", "America/New_York"), jitter_seconds=600),
)


async def find_violations(
    store: Store, looks: Sequence[datetime], *, fine: Collection[FiringOutcome] = (FiringOutcome.STARTED,)
) -> list[str]:
    """What has not been done exactly once for the due times until the last of these looks at a right clock.

    The latest due time before a look has a firing, with one of the `fine` outcomes. An earlier one may have none, if a
    later firing counts it. Due times after the last look may have fired, if a clock was wrong, but not twice. A start
    that was given up, because the database was too slow, leaves a run that never began beside that of its repetition.
    """
    runs = await store.list_runs(limit=10_000)
    violations = []
    for schedule in SCHEDULES:
        firings = await store.list_firings(schedule=schedule.id, limit=10_000)
        wrong = [each for each in firings if each.due_at <= looks[-1] and each.outcome not in fine]
        started = {each.run_id for each in firings if each.outcome is FiringOutcome.STARTED}
        extra = [run for run in runs if run.project == schedule.project and run.id not in started]
        violations += [
            f"{schedule.id}: {name} {found}"
            for name, found in (
                ("missing", _find_missing(schedule, firings, looks)),
                ("wrong", wrong),
                ("extra", [run for run in extra if not _was_given_up(run)]),
            )
            if found
        ]
    return violations


def _was_given_up(run: Run) -> bool:
    reason = f"{run.error_message} {run.cancel_reason}"
    return run.started_at is None and (UNCONFIRMED in reason or TOO_LATE in reason)


def _find_missing(schedule: Schedule, firings: Collection[Firing], looks: Sequence[datetime]) -> list[datetime]:
    """The due times that were not handled, newest first."""
    counts = {firing.due_at: firing.missed_count for firing in firings}
    end = looks[-1] - schedule.delay
    due = list(takewhile(lambda due: due <= max([end, *counts]), schedule.cron.after(START)))
    must_fire = {due[number - 1] for look in looks if (number := bisect_right(due, look - schedule.delay))}
    missing, counted = [], 0
    for moment in reversed(due):
        if moment in counts:
            counted = max(counted - 1, counts[moment])
            continue
        if moment <= end and (moment in must_fire or not counted):
            missing.append(moment)
        counted = max(counted - 1, 0)
    return missing
