"""Bytes become lines, whatever they are and however they are cut."""

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


def assemble(
    chunks: Iterable[bytes | None], masker: Masker | None = None, *, takes_commands: bool = False
) -> list[LineBatch]:
    """What becomes of the chunks; at a pause the unfinished line is flushed."""
    masker = masker or Masker()
    assembler = LineSplitter(
        mask=masker.mask, pending_secret_length=masker.pending_secret_length, takes_commands=takes_commands
    )

    def each() -> Iterator[LineBatch]:
        for chunk in chunks:
            yield from assembler.flush() if chunk is PAUSE else assembler.feed(chunk)
        yield from assembler.finish()

    return list(each())


def records(assembled: Iterable[LineBatch]) -> list[tuple[str, bool]]:
    """(text, partial) of each record."""
    return [
        (text, lines.partial and index == len(lines.texts) - 1)
        for lines in assembled
        for index, text in enumerate(lines.texts)
    ]


def join(assembled: Iterable[LineBatch]) -> str:
    """The text that the records tell, as log.txt would show it."""
    return "".join(text if partial else text + "\n" for text, partial in records(assembled))


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
    st.booleans(),
)
@example(b"a\r", [], [True] * 10, False)
@example(b"a\r\n\n", [1, 2], [True] * 10, False)
def test_joined_the_records_are_what_came_in(
    data: bytes, places: list[int], pauses: list[bool], takes_commands: bool
) -> None:
    assembled = assemble(with_pauses(cut_at(data, places), pauses), takes_commands=takes_commands)

    assert join(assembled).removesuffix("\n") == normalised(data).removesuffix("\n")


@given(
    st.lists(st.tuples(ALPHABET, st.integers(1, 3 * LONG)), max_size=4),
    st.lists(st.integers(0, 1_000_000), max_size=6),
    st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_long_lines_are_cut_at_sixteen_kibibytes(
    parts: list[tuple[bytes, int]], places: list[int], pauses: list[bool]
) -> None:
    data = b"".join(part * (count // len(part)) for part, count in parts)

    assembled = assemble(with_pauses(cut_at(data, places), pauses))

    assert join(assembled).removesuffix("\n") == normalised(data).removesuffix("\n")
    assert all(len(text.encode()) <= LONG for text, _ in records(assembled))


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
def test_no_cut_and_no_pause_lets_a_secret_through(text: str, places: list[int], pauses: list[bool]) -> None:
    masker = Masker(["abcde", "abcdef", "deXYZab", "abcabcdabcab"])

    assembled = assemble(with_pauses(cut_at(text.encode(), places), pauses), masker)

    said = "".join(masker.mask(text) + "\n" * (not partial) for text, partial in records(assembled))
    expected = "\n".join(map(masker.mask, text.split("\n")))
    assert unstarred(said).removesuffix("\n") == unstarred(expected).removesuffix("\n")


def unstarred(text: str) -> str:
    """Two masks that touch, where a cut fell between two secrets, are as good as one."""
    return re.sub(r"\*+", "*", text)


@pytest.mark.parametrize("cut", [0, 100, LONG, LONG + 1])
@pytest.mark.parametrize("offset", [-20, -15, -8, -1, 0, 1, 8])
def test_a_secret_across_the_edge_of_sixteen_kibibytes_is_masked(offset: int, cut: int) -> None:
    secret = "hunter2hunter2!"
    line = "x" * (LONG + offset) + secret + "y" * LONG

    assembled = assemble(cut_at((line + "\n").encode(), [cut]), Masker([secret]))

    assert join(assembled) == "x" * (LONG + offset) + "***" + "y" * LONG + "\n"


@pytest.mark.parametrize("size", [LONG - 1, LONG])
def test_a_line_of_exactly_sixteen_kibibytes_is_one_record(size: int) -> None:
    assert records(assemble([b"x" * size, b"\n"])) == [("x" * size, False)]


def test_a_longer_one_is_two() -> None:
    assert records(assemble([b"x" * LONG, b"y\n", b"z\n"])) == [("x" * LONG, True), ("y", False), ("z", False)]


def test_a_character_is_never_cut() -> None:
    assembled = assemble(["詞".encode() * LONG + b"\n"])

    assert {len(text.encode()) for text, partial in records(assembled) if partial} == {LONG // 3 * 3}


def test_a_line_end_after_a_pause_ends_the_line_that_was_begun() -> None:
    assembled = assemble([b"working", PAUSE, b"\n", b"next\n"])

    assert records(assembled) == [("working", True), ("", False), ("next", False)]


def test_a_carriage_return_at_a_pause_may_belong_to_a_line_end() -> None:
    assert records(assemble([b"10%\r20%\r", PAUSE, b"\n"])) == [("10%\r20%", True), ("", False)]


def test_a_pause_with_nothing_new_says_nothing() -> None:
    assert records(assemble([b"abc", PAUSE, PAUSE, b"\n"])) == [("abc", True), ("", False)]


def test_a_line_without_end_needs_little_memory() -> None:
    masker = Masker(["hunter2"])
    assembler = LineSplitter(mask=masker.mask, pending_secret_length=masker.pending_secret_length)
    chunk = b"x" * 65_536

    said = sum(len(lines.texts[0]) for _ in range(200) for lines in assembler.feed(chunk))

    assert 200 * 65_536 - said <= LONG


def test_a_complete_long_line_is_cut_in_its_place() -> None:
    long = b"x" * LONG

    assert records(assemble([b"a\n" + long + b"y\nb\n"])) == [
        ("a", False),
        ("x" * LONG, True),
        ("y", False),
        ("b", False),
    ]


def test_only_whole_lines_may_be_commands() -> None:
    assembled = assemble([b"a::", PAUSE, b"b\n::c\nd\n", b"::notice::", b"x" * LONG, b"\n"], takes_commands=True)

    whole = [lines.texts[index] for lines in assembled for index in lines.whole if lines.may_command]

    assert whole == ["::c", "d"]


def test_a_line_that_may_become_a_command_is_kept_back_at_a_pause() -> None:
    chunks = [b":", PAUSE, b":add-mask::hun", PAUSE, b"ter2\n", b"::", PAUSE]

    assert records(assemble(chunks, takes_commands=True)) == [("::add-mask::hunter2", False), ("::", False)]


@pytest.mark.parametrize(
    "chunks",
    [
        [b"::add-mask::" + b"x" * 3 * LONG + b"\nnext\n"],
        [b"::add-mask::", b"x" * 2 * LONG, b"x" * 2 * LONG, b"x\nnext\n"],
        [b"next\n::add-mask::", b"x" * 2 * LONG, b"x" * LONG],
    ],
)
def test_a_mask_that_is_too_long_is_left_out(chunks: list[bytes]) -> None:
    said = records(assemble(chunks, takes_commands=True))

    assert sorted(said) == [
        ("(an ::add-mask:: line of more than 16 KiB was left out; its value is not masked)", False),
        ("next", False),
    ]
