"""What passes a filter is found in a segment's bytes, exactly."""

import sqlite3
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from solorun.errors import StoreCorrupted
from solorun.record import Event, Level, Record, Stream
from solorun.segment import Segment
from solorun.store import LogQuery
from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.sqlite.search import LogFilter, _characters_folding_to
from solorun.wire import decode_record, encode_records
from tests.contracts.builders import records, start, write

_ALL = frozenset(Level)
_NOW = datetime(2026, 3, 1, tzinfo=UTC)
# Many of these fold to each other, to several characters, or need an escape in JSON.
_TRICKY = st.text(
    st.sampled_from('aAkK\u212asSßẞſtTﬅﬆiIİıfFﬁÉé\u0301ΣσςΐЖж日本"\\/\n\t\x00\x1b\x7f\u2028😀u0')
    | st.characters(codec="utf-8")
)


def _segment(messages: list[str], *, step: str | None = "extract", level: Level = Level.INFO) -> Segment:
    records = [Record(seq, _NOW, level, step, Stream.STDOUT, message) for seq, message in enumerate(messages, start=1)]
    return Segment(1, 1, len(records), encode_records(records))


@given(messages=st.lists(_TRICKY, min_size=1, max_size=6), text=_TRICKY.filter(bool))
def test_a_text_is_found_wherever_casefold_finds_it(messages: list[str], text: str) -> None:
    log_filter = LogFilter(levels=_ALL, step=None, text=text)

    found = [seq for seq, _ in log_filter.select(_segment(messages))]

    assert found == [seq for seq, message in enumerate(messages, start=1) if text.casefold() in message.casefold()]


@given(message=_TRICKY.filter(bool), data=st.data())
def test_a_part_of_a_message_is_found_in_any_case(message: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(message) - 1))
    part = data.draw(st.sampled_from([str.upper, str.lower, str.title, str.casefold]))(message[begin : begin + 3])
    log_filter = LogFilter(levels=_ALL, step=None, text=part)

    found = list(log_filter.select(_segment(["", message])))

    assert (len(found) == 1) is (part.casefold() in message.casefold())


def test_half_of_a_surrogate_pair_is_nowhere() -> None:
    log_filter = LogFilter(levels=_ALL, step=None, text="\ud83d")

    assert list(log_filter.select(_segment(["😀", "plain"]))) == []


@pytest.mark.parametrize(
    ("levels", "step", "count"),
    [
        (_ALL, None, 2),
        (_ALL, "extract", 2),
        (_ALL, "extra", 0),
        (_ALL, "info", 0),
        (frozenset({Level.INFO}), None, 2),
        (frozenset({Level.ERROR, Level.WARNING}), None, 0),
    ],
)
def test_levels_and_steps_are_compared_whole(levels: frozenset[Level], step: str | None, count: int) -> None:
    deceptive = ['","level":"error","step":"extra",', '{"seq":9,"time":"x","level":"error","step":"info"}']

    found = list(LogFilter(levels=levels, step=step, text=None).select(_segment(deceptive)))

    assert len(found) == count


def test_a_record_without_a_step_belongs_to_none() -> None:
    found = list(LogFilter(levels=_ALL, step="null", text=None).select(_segment(["x"], step=None)))

    assert found == []


def _telling(*told: tuple[Event | None, dict[str, Any] | None]) -> Segment:
    records = [
        Record(seq, _NOW, Level.INFO, "extract", Stream.STDOUT, ',"event":"step",', event, data)
        for seq, (event, data) in enumerate(told, start=1)
    ]
    return Segment(1, 1, len(records), encode_records(records))


def test_what_tells_an_event_is_found_and_what_only_speaks_of_one_is_not() -> None:
    segment = _telling(
        (None, None),
        (Event.STEP, {"name": "a"}),
        (Event.GROUP, {"name": ',"event":"step"', "open": True}),
        (Event.STEP, None),
    )

    found = list(LogFilter(levels=_ALL, events={Event.STEP}).select(segment))

    assert [seq for seq, _ in found] == [2, 4]


def test_a_segment_that_tells_nothing_is_not_cut_into_lines() -> None:
    payload = _Watched(_segment(["plain"] * 1000).payload)

    found = list(LogFilter(levels=_ALL, events=set(Event)).select(Segment(1, 1, 1000, payload)))

    assert found == []
    assert payload.looks == 1


class _Watched(bytes):
    """Counts how often it is searched."""

    looks = 0

    def find(self, *wanted: Any) -> int:
        self.looks += 1
        return super().find(*wanted)


def test_what_is_found_is_the_records_own_json() -> None:
    segment = _segment(["one", "two", "three"])

    found = list(LogFilter(levels=_ALL, step=None, text="T").select(segment))

    assert [(seq, decode_record(line).message) for seq, line in found] == [(2, "two"), (3, "three")]


def test_every_character_that_folds_to_others_is_known() -> None:
    known = {source for sources in _characters_folding_to().values() for source in sources}

    folding = {
        character.encode()
        for character in map(chr, range(0x80, sys.maxunicode + 1))
        if character.casefold() != character
    }

    assert known == folding


async def test_a_search_for_events_reads_only_what_tells_some(
    store: SqliteRunStore, foreign: sqlite3.Connection
) -> None:
    run = await start(store)
    telling = [replace(record, event=Event.GROUP, data={"name": "a"}) for record in records(3, 3)]
    await write(store, run, records(1, 2), telling, records(4, 5))
    # Whoever reads one of the others fails.
    foreign.execute("UPDATE segments SET payload = x'00' WHERE has_events = 0")

    page = await store.read_log(run.id, LogQuery(events=frozenset({Event.GROUP})))

    assert [record.seq for record in page.records] == [3]
    assert page.matches == 1
    with pytest.raises(StoreCorrupted):
        await store.read_log(run.id, LogQuery(text="no such text"))
