"""A log filter selects exactly the records that match, by their decoded members."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.log_filter import LogFilter
from solorun.record import Event, Level, Record, Stream
from solorun.segment import Segment
from solorun.wire import decode_record, encode_records

_NOW = datetime(2026, 3, 1, tzinfo=UTC)
# Many of these fold to each other or to several characters, or are escaped in JSON.
_TRICKY = st.text(
    st.sampled_from('aAkK\u212asSßẞſtTﬅﬆiIİıfFﬁÉé\u0301ΣσςΐЖж日本"\\/\n\t\x00\x1b\x7f\u2028😀u0')
    | st.characters(codec="utf-8")
)


def _segment(messages: list[str], *, step: str | None = "extract", level: Level = Level.INFO) -> Segment:
    records = [Record(seq, _NOW, level, step, Stream.STDOUT, message) for seq, message in enumerate(messages, start=1)]
    return Segment(1, 1, len(records), encode_records(records))


@given(messages=st.lists(_TRICKY, min_size=1, max_size=6), text=_TRICKY.filter(bool))
def test_text_is_found_exactly_where_casefold_finds_it(messages: list[str], text: str) -> None:
    log_filter = LogFilter(text=text)

    found = [seq for seq, _ in log_filter.select(_segment(messages))]

    assert found == [seq for seq, message in enumerate(messages, start=1) if text.casefold() in message.casefold()]


@given(message=_TRICKY.filter(bool), data=st.data())
def test_part_of_a_message_is_found_in_any_case(message: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(message) - 1))
    part = data.draw(st.sampled_from([str.upper, str.lower, str.title, str.casefold]))(message[begin : begin + 3])
    log_filter = LogFilter(text=part)

    found = log_filter.select(_segment(["", message]))

    assert (len(found) == 1) is (part.casefold() in message.casefold())


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

    assert [(seq, decode_record(line).message) for seq, line in found] == [(2, "two"), (3, "three")]


def test_without_criteria_every_record_is_selected() -> None:
    log_filter = LogFilter()

    assert log_filter.selects_everything
    assert [seq for seq, _ in log_filter.select(_segment(["one", "two"]))] == [1, 2]
