"""Splitting of bytes into lines, for any content and any chunks."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solorun.logs.masking import Masker
from solorun.record import MAX_MESSAGE_BYTES
from solorun.steps.line_splitter import LineBatch, LineSplitter

PAUSE = None
LONG = MAX_MESSAGE_BYTES
ALPHABET = st.sampled_from(
    [b"a", b"\n", b"\r", b"\r\n", b"\0", "é".encode(), "詞".encode(), b"\xf0\x9f", b"\xff", b":", b"::"]
)
SECRET_ALPHABET = st.sampled_from(["abcde", "abcdef", "deXYZab", "ab", "c", "de", "X", "YZ", "abcabcdabcab", "\n", "-"])


def split(chunks: Iterable[bytes | None], masker: Masker | None = None) -> list[LineBatch]:
    """Split the chunks. A pause flushes the unfinished line."""
    masker = masker or Masker()
    splitter = LineSplitter(mask=masker.mask, pending_secret_length=masker.pending_secret_length)

    def each() -> Iterator[LineBatch]:
        for chunk in chunks:
            yield from splitter.flush() if chunk is PAUSE else splitter.feed(chunk)
        yield from splitter.finish()

    return list(each())


def records(batches: Iterable[LineBatch]) -> list[tuple[str, bool]]:
    """(text, partial) of each record."""
    return [
        (text, batch.partial and index == len(batch.texts) - 1)
        for batch in batches
        for index, text in enumerate(batch.texts)
    ]


def join(batches: Iterable[LineBatch]) -> str:
    """The text of the records, as in log.txt."""
    return "".join(text if partial else text + "\n" for text, partial in records(batches))


def normalised(data: bytes) -> str:
    return data.decode(errors="replace").replace("\r\n", "\n")


def cut_at(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def with_pauses(chunks: list[bytes], pauses: list[bool]) -> list[bytes | None]:
    return [
        part for chunk, pause in zip(chunks, pauses, strict=False) for part in ((chunk, PAUSE) if pause else (chunk,))
    ]


@given(
    st.lists(ALPHABET, max_size=60).map(b"".join) | st.binary(max_size=200),
    st.lists(st.integers(0, 10_000), max_size=8),
    st.lists(st.booleans(), min_size=10, max_size=10),
)
@example(b"a\r", [], [True] * 10)
@example(b"a\r\n\n", [1, 2], [True] * 10)
def test_joining_the_records_restores_the_input(data: bytes, places: list[int], pauses: list[bool]) -> None:
    batches = split(with_pauses(cut_at(data, places), pauses))

    assert join(batches).removesuffix("\n") == normalised(data).removesuffix("\n")


@given(
    st.lists(st.tuples(ALPHABET, st.integers(1, 3 * LONG)), max_size=4),
    st.lists(st.integers(0, 1_000_000), max_size=6),
    st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_long_lines_are_cut_at_sixteen_kibibytes(
    parts: list[tuple[bytes, int]], places: list[int], pauses: list[bool]
) -> None:
    data = b"".join(part * (count // len(part)) for part, count in parts)

    batches = split(with_pauses(cut_at(data, places), pauses))

    assert join(batches).removesuffix("\n") == normalised(data).removesuffix("\n")
    assert all(len(text.encode()) <= LONG for text, _ in records(batches))


@given(
    st.lists(SECRET_ALPHABET, max_size=30).map("".join),
    st.lists(st.integers(0, 10_000), max_size=8),
    st.lists(st.booleans(), min_size=10, max_size=10),
)
@example("abcdeXYZab", [5], [True] * 10)
@example("abcdef", [5], [True] * 10)
@example("x-deXYZabcde", [9], [True] * 10)
@example("deXYZabcabcdabcabdeXYZab", [7, 9, 12, 17, 19], [True] * 10)
@settings(max_examples=400)
def test_secrets_are_masked_wherever_the_input_is_cut_or_paused(
    text: str, places: list[int], pauses: list[bool]
) -> None:
    masker = Masker(["abcde", "abcdef", "deXYZab", "abcabcdabcab"])

    batches = split(with_pauses(cut_at(text.encode(), places), pauses), masker)

    masked = "".join(masker.mask(text) + "\n" * (not partial) for text, partial in records(batches))
    expected = "\n".join(map(masker.mask, text.split("\n")))
    assert unstarred(masked).removesuffix("\n") == unstarred(expected).removesuffix("\n")


def unstarred(text: str) -> str:
    """Treat adjacent masks as one: a cut can fall between two secrets."""
    return re.sub(r"\*+", "*", text)


@pytest.mark.parametrize("cut", [0, 100, LONG, LONG + 1])
@pytest.mark.parametrize("offset", [-20, -15, -8, -1, 0, 1, 8])
def test_a_secret_across_the_sixteen_kibibyte_boundary_is_masked(offset: int, cut: int) -> None:
    secret = "hunter2hunter2!"
    line = "x" * (LONG + offset) + secret + "y" * LONG

    batches = split(cut_at((line + "\n").encode(), [cut]), Masker([secret]))

    assert join(batches) == "x" * (LONG + offset) + "***" + "y" * LONG + "\n"


@pytest.mark.parametrize("size", [LONG - 1, LONG])
def test_a_line_of_exactly_sixteen_kibibytes_is_one_record(size: int) -> None:
    assert records(split([b"x" * size, b"\n"])) == [("x" * size, False)]


def test_a_line_above_sixteen_kibibytes_is_two_records() -> None:
    assert records(split([b"x" * LONG, b"y\n", b"z\n"])) == [("x" * LONG, True), ("y", False), ("z", False)]


def test_characters_are_never_cut() -> None:
    batches = split(["詞".encode() * LONG + b"\n"])

    assert {len(text.encode()) for text, partial in records(batches) if partial} == {LONG // 3 * 3}


def test_a_line_end_after_a_pause_completes_the_flushed_line() -> None:
    batches = split([b"working", PAUSE, b"\n", b"next\n"])

    assert records(batches) == [("working", True), ("", False), ("next", False)]


def test_a_carriage_return_before_a_pause_can_be_part_of_a_line_end() -> None:
    assert records(split([b"10%\r20%\r", PAUSE, b"\n"])) == [("10%\r20%", True), ("", False)]


def test_a_pause_without_new_input_yields_nothing() -> None:
    assert records(split([b"abc", PAUSE, PAUSE, b"\n"])) == [("abc", True), ("", False)]


def test_an_endless_line_uses_little_memory() -> None:
    masker = Masker(["hunter2"])
    splitter = LineSplitter(mask=masker.mask, pending_secret_length=masker.pending_secret_length)
    chunk = b"x" * 65_536

    yielded = sum(len(batch.texts[0]) for _ in range(200) for batch in splitter.feed(chunk))

    assert 200 * 65_536 - yielded <= LONG


def test_a_complete_long_line_is_cut_in_order() -> None:
    long = b"x" * LONG

    assert records(split([b"a\n" + long + b"y\nb\n"])) == [
        ("a", False),
        ("x" * LONG, True),
        ("y", False),
        ("b", False),
    ]


def test_only_complete_lines_can_be_commands() -> None:
    batches = split([b"a::", PAUSE, b"b\n::c\nd\n", b"::notice::", b"x" * LONG, b"\n"])

    whole = [batch.texts[index] for batch in batches for index in batch.whole if batch.may_be_command]

    assert whole == ["::c", "d"]


def test_a_possible_command_is_held_back_during_a_pause() -> None:
    chunks = [b":", PAUSE, b":add-mask::hun", PAUSE, b"ter2\n", b"::", PAUSE]

    assert records(split(chunks)) == [("::add-mask::hunter2", False), ("::", False)]


def test_an_indented_mask_is_held_back_during_a_pause() -> None:
    chunks = [b"\t ", PAUSE, b":", PAUSE, b":add-mask::hun", PAUSE, b"ter2\n"]

    [batch] = split(chunks)

    assert (batch.texts, batch.may_be_command) == (["\t ::add-mask::hunter2"], True)


def test_a_mask_behind_a_long_blank_beginning_is_a_command() -> None:
    chunks = [b" " * 2 * LONG, PAUSE, b" :", PAUSE, b":add-mask::hun", PAUSE, b"ter2\nnext\n"]

    *blank, last = split(chunks)

    assert join(blank).isspace()
    assert [record for record in records(blank) if not record[1]] == [("", False)]
    assert (last.texts, last.continues, last.may_be_command) == (["::add-mask::hunter2", "next"], False, True)


@pytest.mark.parametrize(
    "chunks",
    [
        [b"  ::add-mask::" + b"x" * 3 * LONG + b"\nnext\n"],
        [b" ::add-mask::", b"x" * 2 * LONG, b"x" * 2 * LONG, b"x\nnext\n"],
        [b"::add-mask::" + b"x" * 3 * LONG + b"\nnext\n"],
        [b" " * 2 * LONG + b"::add-mask::hunter2\nnext\n"],
        [b"::add-mask::", b"x" * 2 * LONG, b"x" * 2 * LONG, b"x\nnext\n"],
        [b"next\n::add-mask::", b"x" * 2 * LONG, b"x" * LONG],
    ],
)
def test_a_mask_that_is_too_long_is_omitted(chunks: list[bytes]) -> None:
    found = records(split(chunks))

    assert sorted(found) == [
        ("(omitted an ::add-mask:: line of more than 16 KiB; its value is not masked)", False),
        ("next", False),
    ]


@pytest.mark.parametrize(
    ("chunk", "is_slow"),
    [
        (b"a" * 40_000 + b"\n" + b"b\n" * 10_000, True),
        (b"b\n" * 10_000 + b"a" * 20_000 + b"\n", True),
        (b"b\n" * 10_000 + b"a" * 40_000, True),
        (b"b\n" * 30_000, False),
        (b"a" * 4_000, False),
    ],
)
def test_a_long_line_anywhere_in_a_chunk_is_slow(chunk: bytes, is_slow: bool) -> None:
    splitter = LineSplitter(mask=str, pending_secret_length=lambda _: 0)

    assert splitter.is_slow(chunk) is is_slow
