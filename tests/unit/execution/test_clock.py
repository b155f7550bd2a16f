from datetime import UTC, datetime, timedelta

from solorun.execution.clock import RunClock, count_seconds

BEGINS_AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_a_runs_clock_adds_the_time_passed_to_its_start_time() -> None:
    seconds = iter([100.0, 100.0, 103.5])
    clock = RunClock(BEGINS_AT, seconds=lambda: next(seconds))

    assert clock.now() == BEGINS_AT
    assert clock.now() == BEGINS_AT + timedelta(seconds=3.5)


def test_seconds_are_never_counted_backwards() -> None:
    counted = [count_seconds() for _ in range(100)]

    assert counted == sorted(counted)
