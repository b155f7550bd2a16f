"""An independent model of Debian's cron: it looks at every minute that passes, as the daemon does.

See `cron.c` of Debian's package: a virtual clock follows the clock of the wall. When the clock jumps forwards, the jobs
with a fixed time run for every minute that was skipped. When it jumps backwards, they wait until the clock shows a time
that it has not shown before. Jobs with a wildcard always follow the clock.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from functools import cache

MINUTE = timedelta(minutes=1)


Minutes = Sequence[tuple[datetime, datetime]]
"""Consecutive minutes, and the times that clocks show in them."""


def minutes(zone: tzinfo, start: datetime, end: datetime) -> Minutes:
    """The minutes from `start` to `end`, both included."""
    moments = [start + number * MINUTE for number in range((end - start) // MINUTE + 1)]
    return [(moment, moment.astimezone(zone).replace(tzinfo=None, fold=0)) for moment in moments]


def due_times(expression: str, passing: Minutes) -> Iterator[datetime]:
    """The minutes after the first in which the daemon would run the job."""
    minute, hour, *_ = expression.split()
    is_wildcard = minute.startswith("*") or hour.startswith("*")
    virtual = passing[0][1]
    for now, wall in passing[1:]:
        if is_wildcard:
            if _matches(expression, wall):
                yield now
            continue
        passed = []
        while virtual < wall:
            virtual += MINUTE
            passed.append(virtual)
        if any(_matches(expression, each) for each in passed):
            yield now


def _matches(expression: str, wall: datetime) -> bool:
    minute, hour, day, month, weekday = expression.split()
    if not (_field(minute, wall.minute, 0) and _field(hour, wall.hour, 0) and _field(month, wall.month, 1)):
        return False
    dates = (_field(day, wall.day, 1), _field(weekday, wall.isoweekday() % 7, 0))
    return all(dates) if day.startswith("*") or weekday.startswith("*") else any(dates)


@cache
def _field(field: str, value: int, low: int) -> bool:
    for part in field.split(","):
        bounds, _, step = part.partition("/")
        first, _, last = bounds.partition("-")
        lowest = low if first == "*" else int(first)
        highest = int(last) if last else 60 if step or first == "*" else lowest
        if lowest <= value <= highest and (value - lowest) % int(step or 1) == 0:
            return True
    return False
