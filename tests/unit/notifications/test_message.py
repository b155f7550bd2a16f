"""The text of a notification."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from solorun.notification import Delivery, DeliveryStatus, NotifyEvent
from solorun.notifications.message import quote_errors, write_message
from solorun.record import Event, Level, Record, Stream
from solorun.run import Cancel, Run, RunStep, cancel_fields
from solorun.status import Status, StepStatus

NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
URL = "https://runs.example.org/runs/256"


def delivery(event: NotifyEvent, *, detail: str = "", run_id: int | None = 256) -> Delivery:
    return Delivery(8812, "run-256", "ops", event, "etl", run_id, DeliveryStatus.PENDING, detail, NOW)


RUN = Run(
    id=256,
    project="etl",
    scope="full",
    status=Status.FAILED,
    triggered_by="schedule",
    params={},
    created_at=NOW,
    started_at=NOW,
    finished_at=NOW + timedelta(minutes=12, seconds=4),
    error_message="load: KeyError: 'text'",
    steps=(RunStep("extract", StepStatus.COMPLETED), RunStep("load", StepStatus.FAILED)),
)


def output(*lines: str, level: Level = Level.INFO, stream: Stream = Stream.STDERR, first: int = 1) -> list[Record]:
    return [Record(first + index, NOW, level, "load", stream, line) for index, line in enumerate(lines)]


TRACEBACK = output(
    "Traceback (most recent call last):",
    '  File "load.py", line 7, in <module>',
    '    print(page["text"])',
    "\x1b[31mKeyError: 'text'\x1b[0m",
)


def test_a_failure_says_what_failed_and_why_and_where_to_look() -> None:
    message = write_message(delivery(NotifyEvent.FAILED), RUN, records=TRACEBACK, url=URL)

    assert message.title == "etl failed: load: KeyError: 'text'"
    assert message.text.splitlines() == [
        "Run 256 of etl failed after 12m4s: load: KeyError: 'text'",
        "",
        "    Traceback (most recent call last):",
        '      File "load.py", line 7, in <module>',
        '        print(page["text"])',
        "    KeyError: 'text'",
        "",
        "Started by schedule at 2026-11-29 03:00 UTC",
        "",
        URL,
    ]


def test_without_a_public_url_the_text_names_the_command() -> None:
    message = write_message(delivery(NotifyEvent.FAILED), RUN)

    assert message.text.endswith("solorun show 256")


@pytest.mark.parametrize(
    ("event", "run", "title", "first_line"),
    [
        (
            NotifyEvent.INTERRUPTED,
            replace(RUN, error_message="the service stopped"),
            "etl was interrupted: the service stopped",
            "Run 256 of etl was interrupted: the service stopped",
        ),
        (
            NotifyEvent.COMPLETED,
            replace(RUN, error_message=None, finished_at=NOW),
            "etl completed",
            "Run 256 of etl completed after 1s.",
        ),
        (
            NotifyEvent.CANCELLED,
            replace(RUN, error_message=None, started_at=None, **cancel_fields(Cancel(NOW, "ada", "wrong day"))),
            "etl was cancelled by ada",
            "Run 256 of etl was cancelled by ada: wrong day",
        ),
        (NotifyEvent.FAILED, None, "etl failed", "Run 256 of etl failed."),
        (NotifyEvent.WAITING, RUN, "etl waits for an approval", "Run 256 of etl waits for an approval."),
    ],
)
def test_each_event_has_its_words(event: NotifyEvent, run: Run | None, title: str, first_line: str) -> None:
    message = write_message(delivery(event), run, url=URL)

    assert (message.title, message.text.splitlines()[0]) == (title, first_line)


def test_a_recovery_names_the_run_that_had_failed() -> None:
    run = replace(RUN, error_message=None)

    message = write_message(delivery(NotifyEvent.RECOVERED), run, broken=replace(RUN, id=255), url=URL)
    alone = write_message(delivery(NotifyEvent.RECOVERED), run, url=URL)

    assert message.title == "etl has recovered"
    assert message.text.splitlines()[0] == (
        "Run 256 of etl completed after 12m4s. Run 255 before it failed: load: KeyError: 'text'"
    )
    assert alone.text.splitlines()[0] == "Run 256 of etl completed after 12m4s."


def test_a_late_schedule_needs_no_run() -> None:
    late = delivery(NotifyEvent.LATE, detail="the run due at 03:00 has not completed by 07:00", run_id=None)

    message = write_message(late, None, url="https://runs.example.org")

    assert message.title == "etl is late: the run due at 03:00 has not completed by 07:00"
    assert message.text == ("etl is late: the run due at 03:00 has not completed by 07:00\n\nhttps://runs.example.org")


def test_a_test_message_is_marked_as_one() -> None:
    message = write_message(delivery(NotifyEvent.TEST, run_id=None), None)

    assert message.title.startswith("Test: ")
    assert message.text == "This is a test message. It is about no run."


def test_a_rerun_of_a_part_says_so() -> None:
    run = replace(RUN, scope="from:load", rerun_of=255)

    message = write_message(delivery(NotifyEvent.FAILED), run)

    assert "Started by schedule at 2026-11-29 03:00 UTC, scope from:load, a rerun of run 255" in message.text


def test_a_long_title_is_cut_to_one_line() -> None:
    message = write_message(delivery(NotifyEvent.FAILED), replace(RUN, error_message="x " * 200))

    assert len(message.title) == 150
    assert message.title.endswith("…")


LINES = output(*(f"line {number}" for number in range(20)))
ERRORS = output("first", "second", "third", level=Level.ERROR, first=21)


@pytest.mark.parametrize(
    ("records", "quoted"),
    [
        ([], ()),
        (LINES, tuple(f"line {number}" for number in range(14, 20))),
        ([*LINES, *ERRORS], ("first", "second", "third")),
        ([*LINES[:4], *ERRORS[:1]], ("line 0", "line 1", "line 2", "line 3", "first")),
        ([*TRACEBACK, *output("later", stream=Stream.STDOUT, first=5)], quote_errors(TRACEBACK)),
        ([Record(1, NOW, Level.INFO, "load", Stream.STEP, "1/2", Event.PROGRESS), *output(" ", first=2)], ()),
        (output("x" * 400), ("x" * 299 + "…",)),
    ],
    ids=["nothing", "last lines", "errors", "few errors", "traceback", "no output", "long line"],
)
def test_the_most_telling_lines_are_quoted(records: Sequence[Record], quoted: tuple[str, ...]) -> None:
    assert quote_errors(records) == quoted


def test_a_long_traceback_keeps_its_beginning_and_its_end() -> None:
    long = [*TRACEBACK[:1], *output(*(f"  frame {number}" for number in range(30)), first=2), *output("E", first=40)]

    quoted = quote_errors(long)

    assert len(quoted) == 12
    assert (quoted[0], quoted[-1]) == ("Traceback (most recent call last):", "E")
