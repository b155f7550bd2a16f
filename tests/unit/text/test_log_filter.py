"""A log filter selects exactly the records that match, by their decoded members."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.record import Event, Level, Record, Stream
from solorun.segment import Segment
from solorun.text.folding import fold
from solorun.text.log_filter import LogFilter
from solorun.text.terminal import TerminalLine, visible_text
from solorun.wire.encoding import decode_records, encode_records

_NOW = datetime(2026, 3, 1, tzinfo=UTC)
# Many of these fold to each other or to several characters, or are escaped in JSON.
_TRICKY = st.text(
    st.sampled_from(
        'aAkK\u212asSßẞſtTﬅﬆiIİıfFﬁÉé\u0301ΣσςΐЖж日本かが\u3099\u0344한\u1112\u1161"\\/\n\t\x00\x1b\x7f\u2028😀u0'
    )
    | st.characters(codec="utf-8")
)

_LINES_OF_PROGRAMS = st.lists(
    st.sampled_from(
        ["a", "A", "b", "é", "e\u0301", " ", "\t", "\\", '"', "u001b[1m", "31m", "ß", "ſ", "\u0301", "が", "か\u3099"]
    )
    | st.sampled_from(
        ["\x1b[1m", "\x1b[38;5;1m", "\x1b[0K", "\x1b[K", "\x1b[2K", "\x1b[1G", "\x1b[3C", "\x1b[2D", "\r", "\b", "\n"]
    )
    | st.sampled_from(["\x7f", "\x85", "\x9b1m", "\xa0", "\x1b]8;;b\x07", "\x1b", "\x1b[", "m", "[", "K"]),
    max_size=12,
).map("".join)


def _segment(messages: list[str], *, step: str | None = "extract", level: Level = Level.INFO) -> Segment:
    records = [Record(seq, _NOW, level, step, Stream.STDOUT, message) for seq, message in enumerate(messages, start=1)]
    return Segment(1, 1, len(records), encode_records(records))


@given(messages=st.lists(_TRICKY, min_size=1, max_size=6), text=_TRICKY.filter(bool))
def test_text_is_found_exactly_where_it_is_visible(messages: list[str], text: str) -> None:
    log_filter = LogFilter(text=text)

    found = [seq for seq, _ in log_filter.select(_segment(messages))]

    assert found == [seq for seq, message in enumerate(messages, start=1) if _is_visible(text, message)]


@given(text=_LINES_OF_PROGRAMS, colour=st.booleans())
def test_a_line_is_shown_as_it_is_written_step_by_step(text: str, colour: bool) -> None:
    line = TerminalLine(colour=colour)
    line.write(text)

    shown = TerminalLine(colour=colour)
    shown.write(visible_text(text, colour=colour))

    assert shown.text == line.text
    assert colour or visible_text(text) == line.text


@given(
    messages=st.lists(_LINES_OF_PROGRAMS, min_size=1, max_size=6),
    text=_LINES_OF_PROGRAMS.filter(bool) | st.text('aAbße\u0301 m1\\"[が\n', min_size=1, max_size=3),
)
def test_text_is_found_in_coloured_and_redrawn_lines(messages: list[str], text: str) -> None:
    log_filter = LogFilter(text=text)

    found = [seq for seq, _ in log_filter.select(_segment(messages))]

    assert found == [seq for seq, message in enumerate(messages, start=1) if _is_visible(text, message)]


@given(message=_TRICKY.filter(bool), data=st.data())
def test_part_of_a_message_is_found_in_any_case(message: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(message) - 1))
    part = data.draw(st.sampled_from([str.upper, str.lower, str.title, str.casefold]))(message[begin : begin + 3])
    log_filter = LogFilter(text=part)

    found = log_filter.select(_segment(["", message]))

    assert (len(found) == 1) is _is_visible(part, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("test_login FAILED", "\x1b[1mtest_login \x1b[31mFAILED\x1b[0m"),
        ("TEST_LOGIN failed", "\x1b[1mtest_login \x1b[31mFAILED\x1b[0m"),
        ("the report of", "\x1b]8;;https://a.example/\x07the \x1b[31mreport\x1b]8;;\x07 of today"),
        ("shown", "\x1b]0;broken\x1b[31mshown"),
        ("C:\\bin", "\x1b[1mC:\\bin\\\x1b[0mx"),
        ("bin\\x", "\x1b[1mC:\\bin\\\x1b[0mx"),
        ("\\u001b[31m", "printed as \\u001b[31m"),
        ("200% done", "100% done\r200% done"),
        ("caf\u00e9", "CAFE\u0301"),
        ("cafe\u0301", "Caf\u00e9"),
        ("STRASSE", "straße"),
    ],
)
def test_a_search_finds_what_one_sees(text: str, message: str) -> None:
    assert [seq for seq, _ in LogFilter(text=text).select(_segment(["", message]))] == [2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("31m", "\x1b[31mred"),
        ("u001b", "\x1b[1mx"),
        ("a.example", "\x1b]8;;https://a.example\x07x"),
        ("100%", "100%\r200%"),
    ],
)
def test_a_search_does_not_find_what_is_not_seen(text: str, message: str) -> None:
    assert LogFilter(text=text).select(_segment([message, f"é {message}"])) == []


def _line(*pieces: str, first_seq: int = 1, last_continues: bool = False, stream: Stream = Stream.STDOUT) -> Segment:
    records = [
        Record(
            seq, _NOW, Level.INFO, "extract", stream, piece, partial=last_continues or seq < first_seq + len(pieces) - 1
        )
        for seq, piece in enumerate(pieces, start=first_seq)
    ]
    return Segment(1, first_seq, records[-1].seq, encode_records(records))


@pytest.mark.parametrize(
    ("text", "seqs"),
    [("test_login FAILED", [3]), ("login", [3]), ("t", [1, 4]), ("test", [1]), ("\t", []), ("31m", [])],
)
def test_text_in_several_records_is_found_in_the_one_where_it_ends(text: str, seqs: list[int]) -> None:
    found = LogFilter(text=text).select(_line("test_", "log\x1b[3", "1min FAILED ", "twice"))

    assert [seq for seq, _ in found] == seqs


def test_a_line_continues_in_the_next_segment() -> None:
    log_filter = LogFilter(text="test_login FAILED")

    first = log_filter.select(_line("test_login ", last_continues=True))
    between = log_filter.select(_line("oops", first_seq=2, stream=Stream.STDERR))
    last = log_filter.select(_line("FAILED", first_seq=3))

    assert (first, between, [seq for seq, _ in last]) == ([], [], [3])


def test_a_line_does_not_continue_after_a_gap_or_the_end_of_its_step() -> None:
    ended = Record(2, _NOW, Level.INFO, "extract", Stream.SOLORUN, "", Event.STEP, {"name": "extract"})
    log_filter = LogFilter(text="ab")

    log_filter.select(_line("a", last_continues=True))
    log_filter.select(Segment(1, 2, 2, encode_records([ended])))
    after_end = log_filter.select(_line("b", first_seq=3))
    log_filter.select(_line("a", first_seq=4, last_continues=True))
    after_gap = log_filter.select(_line("b", first_seq=9))

    assert (after_end, after_gap) == ([], [])


def _is_visible(text: str, message: str) -> bool:
    return fold(text) in fold(visible_text(message))


def test_a_lone_surrogate_matches_nothing() -> None:
    log_filter = LogFilter(text="\ud83d")

    assert log_filter.select(_segment(["😀", "plain"])) == []


@pytest.mark.parametrize(
    ("level", "step", "count"),
    [
        (None, None, 2),
        (None, "extract", 2),
        (None, "extra", 0),
        (None, "info", 0),
        (Level.INFO, None, 2),
        (Level.WARNING, None, 0),
    ],
)
def test_levels_and_steps_must_match_exactly(level: Level | None, step: str | None, count: int) -> None:
    deceptive = ['","level":"error","step":"extra",', '{"seq":9,"time":"x","level":"error","step":"info"}']

    found = LogFilter(level=level, step=step).select(_segment(deceptive))

    assert len(found) == count


def test_a_record_without_a_step_matches_no_step() -> None:
    found = LogFilter(step="null").select(_segment(["x"], step=None))

    assert found == []


def _segment_of_events(*events: tuple[Event | None, dict[str, Any] | None]) -> Segment:
    records = [
        Record(seq, _NOW, Level.INFO, "extract", Stream.STDOUT, ',"event":"step",', event, data)
        for seq, (event, data) in enumerate(events, start=1)
    ]
    return Segment(1, 1, len(records), encode_records(records))


def test_events_are_found_by_their_member_and_not_in_a_message() -> None:
    segment = _segment_of_events(
        (None, None),
        (Event.STEP, {"name": "a"}),
        (Event.GROUP, {"name": ',"event":"step"', "open": True}),
        (Event.STEP, None),
    )

    found = LogFilter(events={Event.STEP}).select(segment)

    assert [seq for seq, _ in found] == [2, 4]


def test_a_segment_without_events_is_not_decoded() -> None:
    segment = Segment(1, 1, 1000, b"not JSON\n" * 1000)

    assert LogFilter(events=set(Event)).select(segment) == []


def test_the_stored_json_of_a_record_is_returned() -> None:
    segment = _segment(["one", "two", "three"])

    found = LogFilter(text="T").select(segment)

    assert [(seq, decode_records(line)[0].message) for seq, line in found] == [(2, "two"), (3, "three")]


def test_without_criteria_every_record_is_selected() -> None:
    log_filter = LogFilter()

    assert log_filter.selects_everything
    assert [seq for seq, _ in log_filter.select(_segment(["one", "two"]))] == [1, 2]
