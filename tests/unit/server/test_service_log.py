"""The lines of the service's own log."""

import json
import logging
import sys

import pytest

from solorun.server.service_log import JsonFormatter, LogFormatter, format_dropped_lines


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("plain ✔ é 日本\t", "plain ✔ é 日本\t"),
        ("GET /a\n2026-01-01 ERROR forged", "GET /a\\x0a2026-01-01 ERROR forged"),
        ("\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f"),
        ("\x9b2J\x85", "\\x9b2J\\x85"),
        ("\u202eabc\u2066\u2028", "\\u202eabc\\u2066\\u2028"),
    ],
)
def test_control_characters_of_a_message_are_escaped(message: str, line: str) -> None:
    record = logging.LogRecord("solorun.api", logging.WARNING, __file__, 1, "%s", (message,), None)

    assert LogFormatter().format(record).endswith(f" WARNING solorun.api: {line}")


def test_a_traceback_keeps_its_lines_and_nothing_else() -> None:
    try:
        raise ValueError("a\x1b[2J\rb")
    except ValueError:
        record = logging.LogRecord("solorun", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())

    lines = LogFormatter().format(record).splitlines()

    assert lines[0].endswith("ERROR solorun: failed")
    assert lines[-1] == "ValueError: a\\x1b[2J\\x0db"


def test_a_line_of_json_has_the_message_and_its_run() -> None:
    record = logging.LogRecord("solorun.runs", logging.INFO, __file__, 1, "Run %s: é\n\u202e", (7,), None)
    record.created = 1_800_000_000.25
    vars(record).update({"run_id": 7, "project": "handbook"})

    line = JsonFormatter().format(record)

    assert line.isascii()
    assert json.loads(line) == {
        "time": "2027-01-15T08:00:00.250+00:00",
        "level": "INFO",
        "logger": "solorun.runs",
        "message": "Run 7: é\n\u202e",
        "run_id": 7,
        "project": "handbook",
    }


def test_a_line_of_json_has_the_traceback_of_its_exception() -> None:
    try:
        raise ValueError("a\nb")
    except ValueError:
        record = logging.LogRecord("solorun", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())

    line = JsonFormatter().format(record)

    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("\nValueError: a\nb")


@pytest.mark.parametrize(("count", "what"), [(1, "1 line was"), (3, "3 lines were")])
def test_dropped_lines_are_reported_in_the_format_of_the_log(count: int, what: str) -> None:
    text = f"{what} dropped here, because this output was not read."

    assert format_dropped_lines(as_json=False)(count) == f"({text})"
    assert json.loads(format_dropped_lines(as_json=True)(count))["message"] == text
