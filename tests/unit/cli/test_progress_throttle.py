"""Which progress records are shown while a run is followed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from solorun.cli.render.progress_throttle import ProgressThrottle
from solorun.cli.render.views import PlainView
from solorun.record import Event, Level, Record, Stream
from solorun.status import Status
from tests.fakes.scripted_service import make_run

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def progress(second: float, current: int, total: int | None = None, *, step: str = "extract") -> Record:
    data: dict[str, Any] = {"current": current, "total": total, "item": ""}
    at = AT + timedelta(seconds=second)
    return Record(1, at, Level.INFO, step, Stream.STEP, "", Event.PROGRESS, data)


LINE = Record(1, AT, Level.INFO, "extract", Stream.STDOUT, "line")
STEP = Record(1, AT, Level.INFO, "extract", Stream.SOLORUN, "extract completed", Event.STEP, {"status": "completed"})


@pytest.mark.parametrize(
    ("records", "shown"),
    [
        ([progress(second, number) for number, second in enumerate([0, 0.4, 0.9, 1.1, 1.5, 2.2])], [0, 3, 5]),
        ([progress(0, 1), progress(0.1, 2), LINE, STEP], [1, None, 2, None]),
        ([progress(0, 1, 3), progress(0.1, 2, 3), progress(0.2, 3, 3), LINE, STEP], [1, 3, None, None]),
        ([progress(0, 1, 1), progress(0.1, 1, 1), progress(0.2, 1, 1), STEP], [1, 1, None]),
        ([progress(0, 7), progress(0.1, 8, step="generate")], [7, 8]),
        ([progress(5, 1), progress(1, 2)], [1, 2]),
    ],
    ids=["once-a-second", "last-of-a-step", "complete-immediately", "complete-again", "next-step", "clock-set-back"],
)
def test_progress_is_throttled_but_the_last_record_is_always_shown(
    records: list[Record], shown: list[int | None]
) -> None:
    passed = list(ProgressThrottle().filter(records))

    assert [(record.data or {}).get("current") for record in passed] == shown


def test_the_last_progress_is_shown_if_the_run_ends_without_a_step_record(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = make_run(1, Status.INTERRUPTED)

    with PlainView(run) as view:
        view.show([progress(0, 1, 9), progress(0.1, 2, 9)])
        view.end(run)

    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()[2:4]] == ["1/9", "2/9"]
