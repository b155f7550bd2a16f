"""Formatting of records as lines of text."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from solorun.cli.render.log_lines import LogLines, progress_text
from solorun.cli.render.views import TerminalView
from solorun.record import Event, Level, Record, Stream
from solorun.run import RunStep, format_size
from tests.fakes.scripted_service import make_run
from tests.fakes.terminal_lines import TERMINAL_LINES

RUNNING = {"name": "extract", "status": "running"}
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = msgspec.structs.replace(make_run(), created_at=AT, finished_at=AT, steps=(RunStep("extract"), RunStep("go")))


def record(message: str, **members: Any) -> Record:
    plain = Record(1, AT, Level.INFO, "extract", Stream.STDOUT, message)
    return msgspec.structs.replace(plain, **members)


def text_of(*records: Record, colour: bool = False, raw: bool = False) -> str:
    """The formatted text, without the time, which depends on the time zone."""
    lines = LogLines(RUN, colour=colour, raw=raw)
    text = "".join(map(lines.format, records)) + lines.finish()
    return text.replace(AT.astimezone().strftime("%H:%M:%S"), "TIME")


def test_a_line_has_a_time_a_step_column_and_a_message() -> None:
    assert text_of(record("one"), record("two", step="go")) == "TIME extract  one\nTIME go       two\n"


@pytest.mark.parametrize("line", ["warning: no picture", "WARNING: no picture"])
def test_a_line_that_names_its_level_is_not_given_it_again(line: str) -> None:
    assert text_of(record(line, level=Level.WARNING)) == f"TIME extract  {line}\n"


def test_a_log_that_spans_days_shows_their_dates() -> None:
    later = AT + timedelta(days=2)
    run = msgspec.structs.replace(RUN, finished_at=later)
    lines = LogLines(run)

    text = "".join(map(lines.format, [record("a"), record("b"), record("c", time=later), record("d", time=later)]))

    day, late_day = (at.astimezone().strftime("%Y-%m-%d") for at in (AT, later))
    assert [line.split()[-1] for line in text.splitlines()] == [day, "a", "b", late_day, "c", "d"]


def test_the_log_of_an_active_run_shows_the_date_when_a_day_begins() -> None:
    now = datetime.now(UTC)
    lines = LogLines(msgspec.structs.replace(RUN, created_at=now, finished_at=None))
    tomorrow = now + timedelta(days=1)

    text = "".join(map(lines.format, [record("a", time=now), record("b", time=tomorrow)]))

    assert [line.split()[-1] for line in text.splitlines()] == ["a", tomorrow.astimezone().strftime("%Y-%m-%d"), "b"]


def test_a_record_of_the_service_has_no_step() -> None:
    assert text_of(record("hello", step=None, stream=Stream.SOLORUN)) == "TIME          hello\n"


@pytest.mark.parametrize(
    ("level", "text"), [("debug", "debug: m"), ("info", "m"), ("warning", "warning: m"), ("error", "error: m")]
)
def test_a_level_other_than_info_is_named(level: str, text: str) -> None:
    assert text_of(record("m", level=Level(level))) == f"TIME extract  {text}\n"


@pytest.mark.parametrize(
    ("event", "message", "data", "text"),
    [
        ("step", "extract started", {"name": "extract", "status": "running", "exit_code": None}, "▶ extract started"),
        ("step", "extract completed", {"status": "completed", "exit_code": 0}, "✔ extract completed"),
        ("step", "extract failed", {"status": "failed", "exit_code": 3}, "✘ extract failed (exit code 3)"),
        ("step", "extract failed: exit code 3", {"status": "failed", "exit_code": 3}, "✘ extract failed: exit code 3"),
        ("step", "extract is unknown", {"name": "extract", "status": "unknown"}, "- extract is unknown"),
        ("progress", "3/20 photon", {"current": 3, "total": 20, "item": "photon"}, "3/20 photon"),
        ("progress", "", None, "None"),
        ("group", "setup", {"name": "setup", "open": True}, "▸ setup"),
        ("group", "setup", {"name": "setup", "open": False}, "◂ setup"),
        ("artifact", "artifact a/b\x1b[2J.md, 12.3 kB", {"name": "a/b.md"}, "artifact a/b.md, 12.3 kB"),
        ("step", "go failed: killed by SIGHUP", {"status": "failed", "exit_code": -1}, "✘ go failed: killed by SIGHUP"),
        ("cancel", "cancel requested by cli: enough", {"requested_by": "cli"}, "cancel requested by cli: enough"),
    ],
)  # fmt: skip
def test_events_are_formatted_by_type(event: str, message: str, data: dict[str, Any] | None, text: str) -> None:
    assert text_of(record(message, event=Event(event), data=data)) == f"TIME extract  {text}\n"


def test_a_line_in_several_records_is_joined() -> None:
    parts = [record("one ", partial=True), record("two ", partial=True), record("three")]

    assert text_of(*parts, record("four")) == "TIME extract  one two three\nTIME extract  four\n"


def test_a_line_interrupted_by_another_stream_is_shown_whole() -> None:
    records = [record("one ", partial=True), record("oops", stream=Stream.STDERR), record("two")]

    assert text_of(*records) == "TIME extract  oops\nTIME extract  one two\n"


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(("pieces", "shown"), TERMINAL_LINES)
def test_a_line_is_what_a_terminal_shows(pieces: list[str], shown: str, colour: bool) -> None:
    *pieces, last = pieces

    text = text_of(*[record(piece, partial=True) for piece in pieces], record(last), colour=colour)

    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == f"TIME extract  {shown}\n"


def test_unfinished_lines_end_with_their_step() -> None:
    ended = record("extract failed", event=Event.STEP, data={"status": "failed"}, stream=Stream.SOLORUN)

    assert text_of(record("? ", partial=True), ended) == "TIME extract  ? \nTIME extract  ✘ extract failed\n"


def test_unfinished_lines_can_be_shown_while_they_grow() -> None:
    lines = LogLines(RUN)

    shown = "".join(map(lines.format, [record("\r1%", partial=True), record("\r2%", partial=True)]))

    assert (shown, [line.split("  ", 1)[1] for line in lines.unfinished()]) == ("", ["2%"])


def test_an_unfinished_line_gets_a_line_end() -> None:
    assert text_of(record("Password: ", partial=True)) == "TIME extract  Password: \n"


def test_control_characters_are_kept_only_in_raw_output() -> None:
    assert text_of(record("\x1b[31mred\x1b]0;t\x07")) == "TIME extract  red\n"
    assert text_of(record("\x1b[31mred\x1b]0;t\x07"), raw=True) == "TIME extract  \x1b[31mred\x1b]0;t\x07\n"


def test_colours_do_not_change_the_text() -> None:
    coloured = text_of(record("m", level=Level.ERROR), colour=True)

    assert "\x1b[31m" in coloured
    assert "m\x1b[0m\n" in coloured


def test_every_progress_record_is_a_line() -> None:
    records = [record("", event=Event.PROGRESS, data={"current": number}) for number in range(3)]

    assert [line.split()[-1] for line in text_of(*records).splitlines()] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"current": 3, "total": 20, "item": "pho\x1b[2Jton"}, "3/20 photon"),
        ({"current": 3, "total": None, "item": ""}, "3"),
        ({"current": 0, "total": 0, "item": None}, "0/0"),
    ],
)
def test_progress_shows_what_is_known(data: dict[str, Any], text: str) -> None:
    assert progress_text(data) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (3_140_000, "3.1 MB"), (5 * 10**15, "5000.0 TB")]
)
def test_sizes_have_units(size: int, text: str) -> None:
    assert format_size(size) == text


def test_a_terminal_shows_unfinished_lines_in_place_and_whole_ones_above(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    drawn = []

    with TerminalView(RUN) as view:
        for pieces in (["\r1%"], ["\r2%"], ["\r3%", "\r"]):
            view.show([record(piece, partial=piece != "\r") for piece in pieces])
            drawn.append(view.unfinished.rpartition(" ")[2])

    assert drawn == ["1%", "2%", ""]
    assert "3%" in capsys.readouterr().out


@pytest.mark.parametrize("is_known", [True, False])
def test_the_bar_counts_from_the_start_of_its_step(monkeypatch: pytest.MonkeyPatch, is_known: bool) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    began = datetime.now(UTC) - timedelta(hours=1)
    steps = (RunStep("extract", started_at=began if is_known else None),)
    run = msgspec.structs.replace(RUN, steps=steps, current_step="extract" if is_known else None)

    with TerminalView(run) as view:
        if not is_known:
            view.show([record("extract started", time=began, event=Event.STEP, data=RUNNING)])
        (bar,) = view._progress.tasks

        assert bar.elapsed is not None
        assert bar.elapsed >= 3600
