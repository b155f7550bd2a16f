"""The text of a log: the lines that a terminal shows."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from solorun.api.logs import render_lines
from solorun.record import Event, Level, Record, Stream
from solorun.text.line_joiner import MAX_LINE_CHARACTERS, LineJoiner
from tests.fakes.terminal_lines import TERMINAL_LINES


def record(message: str, **fields: Any) -> Record:
    values: dict[str, Any] = {
        "seq": 1,
        "time": datetime(2026, 8, 1, 12, tzinfo=UTC),
        "level": Level.INFO,
        "step": "build",
        "stream": Stream.STDOUT,
        **fields,
    }
    return Record(message=message, **values)


def text_of(*records: Record) -> list[str]:
    joiner = LineJoiner()
    whole = render_lines([line for record in records for line in joiner.add(record)] + joiner.finish())
    return [line.partition(" build: ")[2] for line in whole.decode().split("\n")]


def test_partial_records_are_joined_to_their_line() -> None:
    lines = text_of(record("a", partial=True), record("b", partial=True), record("c"), record("d"))

    assert lines == ["abc", "d", ""]


@pytest.mark.parametrize(("pieces", "shown"), TERMINAL_LINES)
def test_a_line_is_what_a_terminal_shows(pieces: list[str], shown: str) -> None:
    *first, last = pieces

    lines = text_of(*[record(piece, partial=True) for piece in first], record(last))

    assert lines == [shown, ""]


def test_lines_are_in_the_order_in_which_they_end() -> None:
    lines = text_of(
        record("out 1 ", partial=True),
        record("err 1 ", stream=Stream.STDERR, partial=True),
        record("out 2"),
        record("said", stream=Stream.STEP),
        record("err 2", stream=Stream.STDERR),
        record("last"),
    )

    assert lines == ["out 1 out 2", "said", "err 1 err 2", "last", ""]


def test_unfinished_lines_end_with_the_log() -> None:
    assert text_of(record("?", partial=True), record("b", stream=Stream.STDERR)) == ["b", "?", ""]


def test_an_unfinished_line_ends_with_its_step() -> None:
    ended = record("build completed", stream=Stream.SOLORUN, event=Event.STEP, data={"status": "completed"})
    joiner = LineJoiner()

    whole = render_lines([*joiner.add(record("?", partial=True)), *joiner.add(ended)]).decode()

    assert [line.partition(" build: ")[2] for line in whole.split("\n")] == ["?", "build completed", ""]


def test_a_line_of_twenty_megabytes_is_not_held_in_memory() -> None:
    joiner = LineJoiner()
    part = msgspec.structs.replace(record("x" * 16384), partial=True)

    sizes = [len(render_lines(joiner.add(part))) for _ in range(1280)]

    assert max(sizes) <= MAX_LINE_CHARACTERS + 100
    assert sum(sizes) + len(render_lines(joiner.finish())) >= 1280 * 16384


def test_a_redrawn_line_of_any_length_is_a_short_one() -> None:
    joiner = LineJoiner()
    redrawn = [line for percent in range(101) for line in joiner.add(record(f"\r{percent:3}%", partial=True))]

    assert render_lines([*redrawn, *joiner.add(record(""))]).endswith(b"build: 100%\n")
