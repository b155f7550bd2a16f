"""The decoder of server-sent events, for the rules of the WHATWG standard and any chunk boundaries."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.client.sse import ServerSentEvent, SSEDecoder


def decode(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = SSEDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n"])
def test_every_standard_line_end_is_recognized(line_end: bytes) -> None:
    stream = line_end.join([b"id: 3", b"event: log", b"data: {}", b"", b""])

    events = decode(stream)

    assert events == [ServerSentEvent("log", b"{}")]


def test_a_crlf_split_between_chunks_is_one_line_end() -> None:
    events = decode(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n")

    assert events == [ServerSentEvent("message", b"a\nb")]


def test_an_empty_chunk_between_cr_and_lf_changes_nothing() -> None:
    events = decode(b"data: a\r", b"", b"\n\n")

    assert events == [ServerSentEvent("message", b"a")]


def test_comments_are_ignored() -> None:
    assert decode(b": ok\n\n: still here\n\n") == []


def test_an_incomplete_event_at_the_end_is_dropped() -> None:
    assert decode(b"data: a\n\ndata: b\n") == [ServerSentEvent("message", b"a")]


def test_a_byte_order_mark_is_skipped_once_even_if_it_is_split() -> None:
    events = decode(b"\xef", b"\xbb\xbfdata: a\n\n", b"\xef\xbb\xbfdata: b\n\n")

    assert events == [ServerSentEvent("message", b"a")]


def test_an_event_name_applies_to_one_event() -> None:
    events = decode(b"event: end\n\ndata: a\n\n")

    assert events == [ServerSentEvent("message", b"a")]


def test_only_one_space_after_the_colon_is_removed() -> None:
    assert decode(b"data:  a\ndata:b\ndata\n\n") == [ServerSentEvent("message", b" a\nb\n")]


def test_an_unknown_field_is_ignored() -> None:
    assert decode(b"color: red\ndata: a\n\n") == [ServerSentEvent("message", b"a")]


@pytest.mark.parametrize(("value", "seconds"), [(b"1000", 1.0), (b"60000", 60.0)])
def test_retry_is_in_milliseconds(value: bytes, seconds: float) -> None:
    decoder = SSEDecoder()

    decoder.feed(b"retry: %b\n" % value)

    assert decoder.retry_seconds == seconds


@pytest.mark.parametrize("value", [b"soon", b"-1", b"1.5", b"", b"\xb2"])
def test_a_retry_that_is_not_digits_is_ignored(value: bytes) -> None:
    decoder = SSEDecoder()

    decoder.feed(b"retry: 2000\nretry: %b\n" % value)

    assert decoder.retry_seconds == 2.0


_TEXT = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
_LINE = st.one_of(
    st.builds(
        lambda name, value: f"{name}: {value}", st.sampled_from(["data", "id", "event", "retry", "x", ""]), _TEXT
    ),
    st.sampled_from(["", "data", "id"]),
    _TEXT,
)
_STREAM = st.builds(
    lambda lines, ends: b"".join(line.encode() + end for line, end in zip(lines, ends, strict=False)),
    st.lists(_LINE, max_size=30),
    st.lists(st.sampled_from([b"\n", b"\r", b"\r\n"]), min_size=30, max_size=30),
)


@given(stream=_STREAM, cuts=st.lists(st.integers(0, 400), max_size=20))
def test_events_do_not_depend_on_chunk_boundaries(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(edges)]

    assert decode(*chunks) == decode(stream)


def test_a_stream_fed_byte_by_byte_gives_the_same_events() -> None:
    stream = b"\xef\xbb\xbf: ok\r\n\r\nid: 1\r\nevent: log\r\ndata: {}\r\n\r\nretry: 5\rdata: x\r\r"

    events = decode(*[stream[index : index + 1] for index in range(len(stream))])

    assert events == decode(stream) == [ServerSentEvent("log", b"{}"), ServerSentEvent("message", b"x")]
