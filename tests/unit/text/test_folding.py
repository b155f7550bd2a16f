"""Folded text, and the characters from which it may arise."""

from unicodedata import normalize

from hypothesis import given
from hypothesis import strategies as st

from solorun.text.folding import find_sources, fold

_TEXT = st.text(
    st.sampled_from("aAkK\u212assßſiİıéÉe\u0301\u0302\u0323ếệか\u3099が한\u1112\u1161\u11abᾳ\u0345豈\uf900日")
)


@given(_TEXT.filter(bool), _TEXT)
def test_a_text_without_sources_contains_what_it_folds_to(wanted: str, text: str) -> None:
    wanted = fold(wanted)
    starts_composed = normalize("NFC", f"t{wanted}")[0] != "t"

    if wanted in fold(text) and not starts_composed and find_sources(wanted).isdisjoint(text):
        assert wanted in "".join(char.lower() if char.isascii() else char for char in text)


def test_characters_that_fold_to_others_are_sources() -> None:
    assert {"ß", "ſ", "ẞ"} <= find_sources("s")
    assert {"\u0301", "É"} <= find_sources("é")
    assert {"\u3099"} == find_sources("が")
    assert {"\u0301", "\u0323"} <= find_sources("\u0323\u0301")
    assert find_sources("日本 1") == frozenset()


def test_no_character_outside_of_the_searched_planes_folds() -> None:
    rest = "".join(map(chr, range(0x30000, 0x110000)))

    assert fold(rest) == rest
