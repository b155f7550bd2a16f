"""Durations and times for people."""

from datetime import timedelta

import msgspec
import pytest

from solorun.cli.render.formatting import format_duration, format_elapsed, format_moment, format_origin
from solorun.run import RunStep
from solorun.status import Status, StepStatus
from tests.fakes.scripted_service import CREATED_AT, make_run


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (12.3, "12 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7620, "2 h 7 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_run_that_never_started_has_no_duration() -> None:
    assert format_elapsed(make_run()) == ""


def test_the_duration_of_an_ended_run_is_fixed() -> None:
    run = msgspec.structs.replace(make_run(), started_at=CREATED_AT, finished_at=CREATED_AT + timedelta(seconds=90))

    assert format_elapsed(run) == "1 min 30 s"


def test_the_duration_of_an_interrupted_run_is_unknown() -> None:
    run = msgspec.structs.replace(
        make_run(), status=Status.INTERRUPTED, started_at=CREATED_AT, finished_at=CREATED_AT + timedelta(days=1)
    )

    assert format_elapsed(run) == ""


def test_the_duration_of_a_run_whose_command_a_shutdown_stopped_is_known() -> None:
    end = CREATED_AT + timedelta(seconds=12)
    step = RunStep("extract", StepStatus.INTERRUPTED, CREATED_AT, end, exit_code=-15)
    run = msgspec.structs.replace(
        make_run(), status=Status.INTERRUPTED, started_at=CREATED_AT, finished_at=end, steps=(step,)
    )

    assert (format_elapsed(run), format_elapsed(step)) == ("12 s", "12 s")


def test_the_duration_of_an_active_run_grows() -> None:
    assert "d" in format_elapsed(msgspec.structs.replace(make_run(), started_at=CREATED_AT - timedelta(days=400)))


@pytest.mark.parametrize(
    ("caller", "origin"),
    [
        ("cli", "from the CLI"),
        ("api", "through the API"),
        ("dashboard", "from the dashboard"),
        ("schedule", "by a schedule"),
        ("ada", "by ada"),
    ],
)
def test_an_origin_reads_as_in_the_dashboard(caller: str, origin: str) -> None:
    assert format_origin(caller) == origin


def test_a_missing_time_is_formatted_as_empty_text() -> None:
    assert format_moment(None) == ""
