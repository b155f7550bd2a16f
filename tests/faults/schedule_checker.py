"""Two schedules, and a check that each of their due times has fired once."""

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import takewhile

from solorun.cron import Cron
from solorun.schedule import FiringOutcome, Schedule
from solorun.store import Store

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCHEDULES = (
    Schedule("etl", Cron("0 3 * * *", "Europe/Berlin")),
    Schedule("report", Cron("30 2 * * *", "America/New_York"), jitter_seconds=600),
)


async def find_violations(
    store: Store, end: datetime, *, fine: Collection[FiringOutcome] = (FiringOutcome.STARTED,)
) -> list[str]:
    """What has not been done exactly once for the due times until `end`. Other outcomes than the `fine` ones are wrong.

    Due times after `end` may have fired, if a clock was wrong, but not twice.
    """
    runs = Counter(run.triggered_by + run.project for run in await store.list_runs(limit=10_000))
    violations = []
    for schedule in SCHEDULES:
        firings = await store.list_firings(schedule=schedule.id, limit=10_000)
        due = list(takewhile(lambda due: due + schedule.delay <= end, schedule.cron.after(START)))  # noqa: B023
        missing = set(due) - {each.due_at for each in firings}
        wrong = [each for each in firings if each.due_at <= end and each.outcome not in fine]
        started = [each for each in firings if each.outcome is FiringOutcome.STARTED]
        extra = runs[schedule.triggered_by + schedule.project] - len(started)
        violations += [
            f"{schedule.id}: {name} {found}"
            for name, found in (("missing", missing), ("wrong", wrong), ("extra", extra))
            if found
        ]
    return violations
