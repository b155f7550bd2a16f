"""The values: statuses, outcomes, durations, projects, records, segments and errors."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun import errors
from solorun.errors import FieldError, InvalidRequest, Problem, SolorunError
from solorun.outcome import MAX_ERROR_MESSAGE_CHARACTERS, StopReason, format_exception, short_error_message
from solorun.project import CommandStep, Family, Project
from solorun.record import Event, Level, Record, Stream
from solorun.run import LevelCounts
from solorun.segment import MAX_SEGMENT_BYTES, MAX_SEGMENT_RECORDS, PART_BYTES, Segment, join_segments
from solorun.settings import Settings, format_duration, parse_duration
from solorun.status import ACTIVE, TERMINAL, TRANSITIONS, Status, allowed_predecessors
from solorun.wire.encoding import decode_records, encode, encode_records

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def make_segment(first_seq: int, count: int, message: str = "x", run_id: int = 1) -> Segment:
    records = [
        Record(seq, AT, Level.INFO, "extract", Stream.STDOUT, message) for seq in range(first_seq, first_seq + count)
    ]
    counts = LevelCounts(info=count)
    return Segment(run_id, first_seq, first_seq + count - 1, encode_records(records), counts)


def make_project(*steps: str) -> Project:
    return Project("handbook", "Handbook", Path("/"), tuple(CommandStep(step, "true") for step in steps))


def test_every_status_but_queued_holds_the_project_or_has_ended() -> None:
    assert set(Status) == {Status.QUEUED} | ACTIVE | TERMINAL
    assert len(Status) == 1 + len(ACTIVE) + len(TERMINAL)
    assert set(TRANSITIONS) == {Status.QUEUED} | ACTIVE


@pytest.mark.parametrize(
    ("status", "before"),
    [
        (Status.COMPLETED, {Status.RUNNING}),
        (Status.RUNNING, {Status.PENDING}),
        (Status.PENDING, {Status.QUEUED}),
        (Status.QUEUED, set()),
        (Status.INTERRUPTED, {Status.PENDING, Status.RUNNING}),
    ],
)
def test_a_status_is_reached_only_by_a_valid_transition(status: Status, before: set[Status]) -> None:
    assert allowed_predecessors(status) == before
    assert status.holds_project is (status in ACTIVE)
    assert status.has_ended is (status in TERMINAL)


@pytest.mark.parametrize("reason", list(StopReason))
def test_every_reason_to_stop_has_a_terminal_status(reason: StopReason) -> None:
    assert reason.status in TERMINAL - {Status.COMPLETED}


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("plain", "plain"),
        ("", "unknown error"),
        ("a\x00\x1b[31m b\r\n  c", "a [31m b c"),
        ("cannot read /home/ada/project/data.csv: denied", "cannot read …/data.csv: denied"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
        ("1/2 done and a/b", "1/2 done and a/b"),
    ],
)
def test_an_error_message_is_short_clean_and_without_paths(text: str, short: str) -> None:
    assert short_error_message(text) == short


@given(st.text(max_size=2000))
def test_an_error_message_is_one_bounded_line(text: str) -> None:
    short = short_error_message(text)

    assert 1 <= len(short) <= MAX_ERROR_MESSAGE_CHARACTERS
    assert len(short.splitlines()) == 1


def test_an_exception_is_formatted_with_its_name_and_message() -> None:
    assert format_exception(KeyError("title")) == "KeyError: 'title'"
    assert format_exception(ValueError()) == "ValueError"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("20m", 1200), ("1h30m", 5400), ("500ms", 0.5), ("1.5h", 5400), ("1d", 86400)]
)
def test_a_duration_is_parsed(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "s", "-3s", "3 s", "3s ", "1h 3m", "3x", "٣s", "1e3s"])
def test_an_invalid_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["500ms", "30s", "1m30s", "20m", "1h30m", "2d1h", "0ms"])
def test_a_duration_is_formatted_as_it_is_parsed(text: str) -> None:
    assert format_duration(parse_duration(text)) == text


def test_repr_never_shows_the_token() -> None:
    settings = Settings(Path("/data"), token="correct-horse-battery", public_url="https://example.org/solorun/")

    assert "correct-horse" not in repr(settings)
    assert settings.root_path == "/solorun"


def test_a_project_lists_its_scopes() -> None:
    project = make_project("extract", "generate")

    assert project.scopes == ("full", "extract", "generate", "from:extract", "from:generate")
    assert all(project.find_steps(scope) for scope in project.scopes)
    assert project.find_steps("from:full") is None


@pytest.mark.parametrize(
    ("name", "matches"),
    [("glossary-en", True), ("glossary-", True), ("glossary", False), ("Glossary-en", False), ("glossary-en/x", False)],
)
def test_a_family_matches_only_valid_project_names(name: str, matches: bool) -> None:
    assert Family("glossary-*", make_project("extract")).matches(name) is matches


def test_levels_are_ordered_by_severity() -> None:
    assert Level.WARNING.at_least == {Level.WARNING, Level.ERROR}
    assert LevelCounts(1, 2, 3, 4).total(Level.WARNING.at_least) == 7
    assert LevelCounts(1, 2, 3, 4) + LevelCounts(1, 1, 1, 1) == LevelCounts(2, 3, 4, 5)


def test_a_record_omits_defaults() -> None:
    record = Record(1, AT, Level.INFO, None, Stream.SOLORUN, "hello")

    assert encode(record) == (
        b'{"seq":1,"time":"2026-11-23T12:00:00Z","level":"info","step":null,"stream":"solorun","message":"hello"}'
    )


@given(st.text(max_size=60))
def test_any_message_survives_as_one_server_sent_event(message: str) -> None:
    record = Record(1, AT, Level.INFO, "s", Stream.STDOUT, message.encode("utf-8", "replace").decode())
    segment = Segment(1, 1, 1, encode_records([record]))

    lines = segment.sse.decode().split("\n")

    assert len(lines) == 5
    assert "\r" not in segment.sse.decode()
    assert lines[:2] == ["id: 1", "event: log"]
    assert decode_records(lines[2].removeprefix("data: ")) == [record]


def test_the_type_of_an_event_comes_from_its_member_and_never_from_a_message() -> None:
    records = [
        Record(1, AT, Level.INFO, "s", Stream.STDOUT, ',"event":"progress"'),
        Record(2, AT, Level.INFO, "s", Stream.STEP, "1/2", Event.PROGRESS, {"current": 1, "total": 2, "item": ""}),
    ]
    segment = Segment(7, 1, 2, encode_records(records))

    assert [line for line in segment.sse.split(b"\n") if line.startswith(b"event:")] == [
        b"event: log",
        b"event: progress",
    ]
    assert segment.sse_of_run.startswith(b'event: log\ndata: {"run":7,"seq":1,')


@given(st.lists(st.sampled_from([None, *Event]), min_size=1, max_size=20))
def test_each_record_is_one_event_in_both_kinds_of_stream(events: list[Event | None]) -> None:
    records = [
        Record(seq, AT, Level.INFO, "s", Stream.STEP, "x", event, None if event is None else {"name": "y"})
        for seq, event in enumerate(events, start=5)
    ]
    segment = Segment(7, 5, 4 + len(events), encode_records(records))

    of_run = segment.sse.decode().split("\n\n")
    of_all = segment.sse_of_run.decode().split("\n\n")

    names = ["log" if event is None else event.value for event in events]
    lines = segment.payload.decode().splitlines()
    assert of_run == [
        f"id: {seq}\nevent: {name}\ndata: {line}"
        for seq, (name, line) in enumerate(zip(names, lines, strict=True), start=5)
    ] + [""]
    assert of_all == [f'event: {name}\ndata: {{"run":7,{line[1:]}' for name, line in zip(names, lines, strict=True)] + [
        ""
    ]


def test_a_part_of_a_segment_without_events_is_known_to_have_none() -> None:
    unknown, known = make_segment(5, 3), make_segment(5, 3).without_events()

    assert unknown == known
    assert unknown.sse == known.sse
    assert not unknown.has_events
    large = make_segment(1, 600).without_events()
    assert len(large.parts) > 1
    for part in (known.after(5), known.up_to(5), *large.parts):
        assert vars(part)["has_events"] is False


def test_a_batch_is_one_event_with_an_array() -> None:
    segment = make_segment(3, 2)

    head, data = segment.sse_batch.split(b"data: ")

    assert head == b"id: 4\nevent: records\n"
    assert data.startswith(b'[{"seq":3,')
    assert data.endswith(b"}]\n\n")


@pytest.mark.parametrize(("after", "seqs"), [(0, [5, 6, 7]), (4, [5, 6, 7]), (5, [6, 7]), (6, [7])])
def test_the_part_after_a_seq(after: int, seqs: list[int]) -> None:
    part = make_segment(5, 3).after(after)

    assert [record.seq for record in decode_records(part.payload)] == seqs
    assert (part.first_seq, part.last_seq) == (seqs[0], seqs[-1])


@pytest.mark.parametrize(("up_to", "seqs"), [(9, [5, 6, 7]), (7, [5, 6, 7]), (6, [5, 6]), (5, [5])])
def test_the_part_up_to_a_seq(up_to: int, seqs: list[int]) -> None:
    part = make_segment(5, 3).up_to(up_to)

    assert [record.seq for record in decode_records(part.payload)] == seqs
    assert (part.first_seq, part.last_seq) == (seqs[0], seqs[-1])


@given(st.lists(st.integers(0, 2 * PART_BYTES), min_size=1, max_size=6))
def test_the_parts_of_a_segment_are_small_and_in_order(sizes: list[int]) -> None:
    records = [Record(seq, AT, Level.INFO, "extract", Stream.STDOUT, "x" * size) for seq, size in enumerate(sizes, 7)]
    segment = Segment(1, 7, 6 + len(sizes), encode_records(records))

    parts = segment.parts

    assert b"".join(part.payload for part in parts) == segment.payload
    assert [seq for part in parts for seq in range(part.first_seq, part.last_seq + 1)] == [r.seq for r in records]
    assert all(len(part.lines()) == part.record_count for part in parts)
    assert all(len(part.payload) <= PART_BYTES or part.record_count == 1 for part in parts)


def test_a_part_that_would_be_empty_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing after"):
        make_segment(5, 3).after(7)
    with pytest.raises(ValueError, match="nothing up to"):
        make_segment(5, 3).up_to(4)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=12))
def test_joined_segments_have_the_same_records_within_the_limits(sizes: list[int]) -> None:
    segments = []
    first_seq = 1
    for size in sizes:
        segments.append(make_segment(first_seq, size))
        first_seq += size

    joined = list(join_segments(segments))

    assert b"".join(segment.payload for segment in joined) == b"".join(segment.payload for segment in segments)
    assert all(segment.record_count <= MAX_SEGMENT_RECORDS for segment in joined)
    assert all(len(segment.payload) <= MAX_SEGMENT_BYTES for segment in joined)
    assert all(before.last_seq + 1 == after.first_seq for before, after in pairwise(joined))
    assert sum((segment.level_counts for segment in joined), LevelCounts()).info == sum(sizes)


def test_an_errors_docstring_is_its_message() -> None:
    assert errors.ProjectNotFound().message == "Project not found."
    assert str(FieldError("", "is empty")) == "is empty"
    assert InvalidRequest(errors=[FieldError("/scope", "is wrong")]).message == "/scope: is wrong"


def test_the_tree_in_the_docstring_has_every_error_that_is_no_problem() -> None:
    drawn = errors.__doc__ or ""
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, SolorunError)]

    assert [one.__name__ for one in classes if one.__name__ not in drawn and not issubclass(one, Problem)] == []
