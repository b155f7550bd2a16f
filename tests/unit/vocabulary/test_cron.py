"""When a cron expression is due, in zones whose clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import pytest

from solorun.cron import Cron, InvalidCron, read_zone

BERLIN = "Europe/Berlin"


def local_times(cron: Cron, start: str, count: int) -> list[str]:
    """The first due times after `start`, a local time, as the clocks of the zone show them."""
    zone = cron.zone
    moment = datetime.fromisoformat(start).replace(tzinfo=zone).astimezone(UTC)
    return [f"{due.astimezone(zone):%a %d %H:%M%z}" for due in islice(cron.after(moment), count)]


def test_a_daily_time_follows_the_clock_through_both_changes() -> None:
    cron = Cron("0 3 * * *", BERLIN)

    assert local_times(cron, "2026-03-28T00:00", 2) == ["Sat 28 03:00+0100", "Sun 29 03:00+0200"]
    assert local_times(cron, "2026-10-24T00:00", 2) == ["Sat 24 03:00+0200", "Sun 25 03:00+0100"]


def test_a_fixed_time_that_the_clock_skips_is_due_after_the_gap() -> None:
    assert local_times(Cron("30 2 * * *", BERLIN), "2026-03-28T12:00", 2) == ["Sun 29 03:00+0200", "Mon 30 02:30+0200"]


def test_two_times_in_the_gap_are_due_once() -> None:
    assert local_times(Cron("15,45 2 * * *", BERLIN), "2026-03-28T12:00", 2) == [
        "Sun 29 03:00+0200",
        "Mon 30 02:15+0200",
    ]


def test_a_fixed_time_that_the_clock_repeats_is_due_once() -> None:
    assert local_times(Cron("30 2 * * *", BERLIN), "2026-10-24T12:00", 2) == ["Sun 25 02:30+0200", "Mon 26 02:30+0100"]


def test_a_wildcard_is_due_in_both_of_the_repeated_hours() -> None:
    assert local_times(Cron("*/30 2 * * *", BERLIN), "2026-10-24T12:00", 5) == [
        *("Sun 25 02:00+0200", "Sun 25 02:30+0200", "Sun 25 02:00+0100", "Sun 25 02:30+0100"),
        "Mon 26 02:00+0100",
    ]


def test_a_wildcard_is_not_due_in_the_hour_that_the_clock_skips() -> None:
    assert local_times(Cron("*/30 2 * * *", BERLIN), "2026-03-28T12:00", 1) == ["Mon 30 02:00+0200"]


def test_the_latest_due_time_is_found_within_its_bounds() -> None:
    cron = Cron("0 3 * * *")
    day = datetime(2026, 11, 3, 3, tzinfo=UTC)
    moment = timedelta(microseconds=1)

    assert cron.find_latest(after=day - moment, until=day) == day
    assert cron.find_latest(after=day, until=day + timedelta(hours=23)) is None
    assert cron.find_latest(after=day - timedelta(days=20_000), until=day - moment) == day - timedelta(days=1)


@pytest.mark.parametrize("expression", ["* 5 1 1 *", "0 0 29 2 *", "17 */5 * * 1-5"])
def test_the_latest_due_time_is_the_last_of_all(expression: str) -> None:
    cron = Cron(expression, BERLIN)
    until = datetime(2024, 7, 3, 2, 30, tzinfo=UTC)
    after = until - timedelta(days=400)

    assert (
        cron.find_latest(after=after, until=until) == list(takewhile(lambda due: due <= until, cron.after(after)))[-1]
    )


def test_due_times_are_counted_up_to_a_limit() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    assert Cron("0 * * * *").count(after=start, before=start + timedelta(hours=5), limit=1000) == 4
    assert Cron("* * * * *").count(after=start, before=start + timedelta(days=300), limit=1000) == 1000


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 25 * * *", "is not a cron expression: bad hour"),
        ("0 3 * *", "has 4 fields; a cron expression has 5: minute, hour, day of month, month, day of week"),
        ("0 0 3 * * *", "has 6 fields; a cron expression has 5: minute, hour, day of month, month, day of week"),
        ("0 0 30 2 *", "is not a cron expression: bad day-of-month"),
        ("@daily", "has 1 field; a cron expression has 5: minute, hour, day of month, month, day of week"),
    ],
)
def test_an_invalid_expression_says_what_is_wrong(expression: str, message: str) -> None:
    with pytest.raises(InvalidCron) as refusal:
        Cron.parse(expression)

    assert str(refusal.value) == message


@pytest.mark.parametrize("name", ["Europe/Berlim", "../../etc/passwd", ""])
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidCron, match="time zone"):
        read_zone(name)
