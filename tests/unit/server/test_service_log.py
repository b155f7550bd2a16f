"""The lines of the service's own log."""

import logging
import sys

import pytest

from solorun.server.service_log import LogFormatter


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
