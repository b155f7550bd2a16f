"""The levels of lines that commands print."""

import pytest

from solorun.record import Level
from solorun.steps.levels import detect_levels


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: no such table",
        "ERROR no such table",
        "error: could not compile `x`",
        "main.c:3:5: error: expected ';'",
        "2026-11-29 12:00:00,123 ERROR app: broken",
        "2026-11-29 12:00:00 [ERROR] app: broken",
        "12:00:01  1 of 3 ERROR creating sql view model a.b",
        "[error] broken",
        "\x1b[31mERROR\x1b[0m broken",
        "ERROR:root:broken",
        "FATAL: password authentication failed",
        "npm ERR! code E404",
        'time="2026-11-29T12:00:00Z" level=error msg="broken"',
        'lvl="fatal" msg=x',
        '{"level":50,"time":1,"msg":"broken"}',
        '{"event": "broken", "level": "error"}',
        '{"severity": "CRITICAL", "message": "x"}',
        "ValueError: no title",
        "sqlalchemy.exc.OperationalError: (sqlite3)",
        "E       assert 1 == 2",
        "FAILED tests/test_a.py::test_b - assert 1 == 2",
        "\x1b[1m\x1b[31mE       assert 1 == 2\x1b[0m",
        "\x1b[31mFAILED\x1b[0m tests/test_a.py::\x1b[1mtest_b\x1b[0m - assert 1 == 2",
        "FAIL: test_b (tests.test_a.Orders.test_b)",
        "--- FAIL: TestTotal (0.00s)",
        "FAIL\texample.com/shop\t0.004s",
        "FAIL src/total.test.ts",
        "\x1b[41m FAIL \x1b[49m src/total.test.ts > rounds",
        "error[E0308]: mismatched types",
        "\x1b[1m\x1b[91merror[E0308]\x1b[0m\x1b[1m: mismatched types\x1b[0m",
        "npm error code ERESOLVE",
        "\x1b[1mnpm\x1b[22m \x1b[31merror\x1b[39m code ERESOLVE",
        "ERROR tests/test_a.py",
        'Exception in thread "main" java.lang.IllegalStateException: no text',
        "thread 'main' panicked at src/main.rs:1:114:",
        "thread 'main' (812) panicked at src/main.rs:1:114:",
    ],
)
def test_an_error_is_recognized(line: str) -> None:
    assert detect_levels(["fine", line]) == [Level.INFO, Level.ERROR]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("WARNING: x", Level.WARNING),
        ("[warn] x", Level.WARNING),
        ("a.py:3: warning: x", Level.WARNING),
        ('{"level":40}', Level.WARNING),
        ("npm warn deprecated inflight@1.0.6: leaks memory", Level.WARNING),
        ("\x1b[1m\x1b[33mwarning\x1b[0m\x1b[1m: unused variable: `x`\x1b[0m", Level.WARNING),
        ("2026-11-29 12:00:00 DEBUG x", Level.DEBUG),
        ('{"level":"trace"}', Level.DEBUG),
        ("level=debug x", Level.DEBUG),
    ],
)
def test_other_levels_are_recognized(line: str, level: Level) -> None:
    assert detect_levels([line]) == [level]


@pytest.mark.parametrize(
    "line",
    [
        "0 errors, 0 warnings",
        "no error occurred",
        "see the error: it is below",
        "handling an Error",
        "thread 'main' panicked yesterday",
        "INFO: retry after ERROR",
        "12:00:00 [info] the last ERROR was yesterday",
        "level=info msg=error",
        "exit=error",
        "one two three four five six seven ERROR",
        "{error: not JSON}",
        '{"level":30,"msg":"error"}',
        '{"level":{"name":"error"}}',
        '{"msg":"error"}',
        '{"level":"verbose error"}',
        "{" * 100_000 + "error",
        "=error",
        "npm errors are listed below",
        "run npm error",
        "FAILURE is no option",
        "error[s] found",
        "[] error",
    ],
)
def test_any_other_line_is_info(line: str) -> None:
    assert detect_levels([line]) == [Level.INFO]


@pytest.mark.parametrize("first", ["one", "İİİ", ""])
def test_each_line_has_its_level(first: str) -> None:
    levels = detect_levels([first, "ERROR: a", "two", "DEBUG b WARN", "", "WARNING: c"])

    assert levels == [Level.INFO, Level.ERROR, Level.INFO, Level.DEBUG, Level.INFO, Level.WARNING]


def test_lines_without_any_word_of_a_level_are_not_looked_at() -> None:
    assert detect_levels(["one", "two"]) is None
