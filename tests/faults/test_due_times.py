"""Due times against a model of Debian's cron, around the changes of the clocks of all time zones."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest

from solorun.cron import Cron, read_zone, timezone_names
from tests.fakes.debian_cron import due_times, minutes
from tests.faults.conftest import MakeTrials

FIRST = datetime(2018, 1, 1, tzinfo=UTC)
LAST = datetime(2028, 1, 1, tzinfo=UTC)
STEP = timedelta(hours=12)
MARGIN = timedelta(hours=30)
ODD_ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Antarctica/Casey"),
    *("America/Havana", "Asia/Beirut", "Africa/Casablanca", "Europe/Dublin", "Asia/Pyongyang"),
)
EXPRESSIONS = (
    *("30 2 * * *", "0 3 * * *", "15,45 0-3 * * *", "0 0 * * *", "*/20 * * * *", "*/30 2 * * *", "*/30 0 * * *"),
    *("7 * * * *", "0 */2 * * *", "30 1 * * 0", "* 1 * * *", "20 0,23 1-7 * 1", "10 0-23/3 * * *", "*/30 0 * * 5"),
)


def find_changes(name: str) -> Iterator[datetime]:
    """The minutes in which the clocks of the zone change."""
    zone = read_zone(name)
    moment = FIRST
    while moment < LAST:
        if moment.astimezone(zone).utcoffset() != (moment + STEP).astimezone(zone).utcoffset():
            before, after = moment, moment + STEP
            while after - before > timedelta(minutes=1):
                middle = before + timedelta(minutes=(after - before) // timedelta(minutes=2))
                is_before = middle.astimezone(zone).utcoffset() == moment.astimezone(zone).utcoffset()
                before, after = (middle, after) if is_before else (before, middle)
            yield after
        moment += STEP


@pytest.mark.needs(minutes=0.5)
def test_due_times_are_those_of_debians_cron_when_clocks_change(trials: MakeTrials) -> None:
    tried = trials("P23", "due times against Debian's cron, at all clock changes of ten years", short=20, goal=669)
    changes: dict[tuple[datetime, ...], str] = {}
    names = sorted(timezone_names()) if tried.is_long else ODD_ZONES
    for name in names:
        for change in find_changes(name):
            around = (change, change - timedelta(minutes=0.5))
            walls = [moment.astimezone(read_zone(name)).replace(tzinfo=None) for moment in around]
            changes.setdefault((change, *walls), name)
    order = sorted(changes)
    random.Random(1).shuffle(order)
    tried.goal = len(order)

    for number in tried:
        change, name = order[number][0], changes[order[number]]
        start, end = change - MARGIN, change + MARGIN
        passing = minutes(read_zone(name), start, end)
        for expression in EXPRESSIONS:
            expected = list(due_times(expression, passing))
            found = list(takewhile(lambda due: due <= end, Cron(expression, name).after(start)))  # noqa: B023
            tried.judge([f"{expression} in {name} at {change}"] if found != expected else [], tried=0)
        tried.tried += 1
