"""The line that says why a command failed."""

import pytest

from solorun.record import Stream
from solorun.steps.telling_line import TellingLine

TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in <module>',
    "    main()",
    "KeyError: 'title'",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "a.py", line 3, in <module>',
    "    raise ValueError",
    "ValueError: no title",
]


@pytest.fixture
def telling() -> TellingLine:
    return TellingLine()


def test_no_output_has_no_telling_line(telling: TellingLine) -> None:
    assert telling.text == ""


def test_the_last_line_that_is_not_blank_is_taken(telling: TellingLine) -> None:
    telling.add_lines(Stream.STDOUT, ["one", "two", " "])
    telling.add_lines(Stream.STDOUT, ["", "\t"])

    assert telling.text == "two"


def test_stderr_outranks_stdout(telling: TellingLine) -> None:
    telling.add_lines(Stream.STDERR, ["no such table"])
    telling.add_lines(Stream.STDOUT, ["done"])

    assert telling.text == "no such table"


def test_an_error_command_outranks_stderr(telling: TellingLine) -> None:
    telling.add_error("a.py:3: broken")
    telling.add_error("")
    telling.add_lines(Stream.STDERR, ["make: *** [all] Error 1"])

    assert telling.text == "a.py:3: broken"


@pytest.mark.parametrize("stream", [Stream.STDOUT, Stream.STDERR])
@pytest.mark.parametrize("cut", range(len(TRACEBACK) + 1))
def test_the_last_exception_ranks_highest(telling: TellingLine, stream: Stream, cut: int) -> None:
    telling.add_error("failed")
    telling.add_lines(stream, TRACEBACK[:cut])
    telling.add_lines(stream, [*TRACEBACK[cut:], "make: *** [all] Error 1"])

    assert telling.text == "ValueError: no title"


def test_the_last_exception_of_a_group_says_most(telling: TellingLine) -> None:
    telling.add_lines(
        Stream.STDERR,
        [
            "  + Exception Group Traceback (most recent call last):",
            '  |   File "a.py", line 1, in <module>',
            "  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
            "  +-+---------------- 1 ----------------",
            "    | Traceback (most recent call last):",
            '    |   File "a.py", line 3, in main',
            "    | ValueError: no title",
            "    +------------------------------------",
        ],
    )

    assert telling.text == "ValueError: no title"


def test_a_traceback_may_be_mixed_with_the_other_stream(telling: TellingLine) -> None:
    for line in TRACEBACK:
        telling.add_lines(Stream.STDERR, [line])
        telling.add_lines(Stream.STDOUT, ["working"])

    assert telling.text == "ValueError: no title"


def test_colours_and_overwritten_text_are_left_out(telling: TellingLine) -> None:
    telling.add_lines(Stream.STDERR, ["10%\r\x1b[1;31mno \x1b[0mtable\x1b[K\r"])

    assert telling.text == "no table"
