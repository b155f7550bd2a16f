"""The index finds what a search for each string in turn finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.logs.secret_index import SecretIndex, _Family

STRINGS = st.lists(st.text("ab", min_size=3, max_size=9), max_size=12)
TEXTS = st.text("abx", max_size=40)


def make_index(*strings: str) -> SecretIndex:
    index = SecretIndex(3)
    list(map(index.add, strings))
    return index


def covered_one_by_one(strings: list[str], text: str) -> set[int]:
    places = [(string, start) for string in strings for start in range(len(text)) if text.startswith(string, start)]
    return {place for string, start in places for place in range(start, start + len(string))}


def covered(spans: list[tuple[int, int]]) -> set[int]:
    return {place for start, stop in spans for place in range(start, stop)}


@given(STRINGS, TEXTS)
def test_spans_cover_exactly_the_strings(strings: list[str], text: str) -> None:
    assert covered(make_index(*strings).find_spans(text)) == covered_one_by_one(strings, text)


@given(STRINGS, STRINGS, TEXTS)
def test_strings_added_between_searches_are_found(first: list[str], later: list[str], text: str) -> None:
    index = make_index(*first)
    before = covered(index.find_spans(text))
    list(map(index.add, later))

    assert before == covered_one_by_one(first, text)
    assert covered(index.find_spans(text)) == covered_one_by_one(first + later, text)


@given(STRINGS, TEXTS)
def test_the_longest_incomplete_end_is_found(strings: list[str], text: str) -> None:
    incomplete = [
        start
        for start in range(len(text))
        if any(string.startswith(text[start:]) and string != text[start:] for string in strings)
    ]

    assert make_index(*strings).find_incomplete(text) == min(incomplete, default=None)


def test_thousands_of_beginnings_are_indexed_in_stages() -> None:
    index = make_index(*(f"{number:05}-secret" for number in range(3000)))

    assert index.find_spans("00042-secret 02999-secret 03000-secret") == [(0, 12), (13, 25)]


def test_the_longest_of_strings_that_contain_each_other_is_found_whatever_their_order() -> None:
    ascending = make_index(*("a" * length for length in range(3, 300)))
    descending = make_index(*("a" * length for length in range(299, 2, -1)))
    text = ("a" * 100 + "b") * 3

    assert ascending.find_spans(text) == descending.find_spans(text) == [(0, 100), (101, 201), (202, 302)]


@pytest.mark.parametrize("before", range(4085, 4100))
def test_a_string_is_found_wherever_a_long_text_is_cut(before: int) -> None:
    index = make_index("secret", "secretly", "cretaceous")

    assert index.find_spans("x" * before + "secretly") == [(before, before + 8)]
    assert index.find_candidates("x" * before + "secretaceous") in ([before], [before, before + 2])


def test_a_text_full_of_overlapping_strings_takes_few_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    find_longest, compared = _Family.find_longest, []

    def count(family: _Family, text: str, start: int) -> int:
        compared.append(start)
        return find_longest(family, text, start)

    monkeypatch.setattr(_Family, "find_longest", count)
    index = make_index(*("a" * length for length in (3, 50, 500)))

    assert index.find_spans("a" * 20_000) == [(0, 20_000)]
    assert len(compared) <= 100
