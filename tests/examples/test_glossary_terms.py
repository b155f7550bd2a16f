"""Terms, definitions and candidates, in English and Japanese."""

import pytest

from solorun_examples.glossary.candidates import scan
from solorun_examples.glossary.definitions import find_definitions
from solorun_examples.glossary.documents import Block
from solorun_examples.glossary.terms import is_term, spellings, term_key


@pytest.mark.parametrize("text", ["zenith", "field of view", "run_id", "赤道儀", "天の川", "FITS"])
def test_short_noun_phrases_are_terms(text: str) -> None:
    assert is_term(text)


@pytest.mark.parametrize(
    "text", ["", "x", "the zenith", "Before you start", "Notes", "a, b", "場合", "目を慣らす", "x" * 41]
)
def test_sentences_and_common_words_are_not_terms(text: str) -> None:
    assert not is_term(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("dark adaptation", "Dark-adaptations", True),
        ("フィルター", "フィルタ", True),
        ("ＦＩＴＳ", "fits", True),
        ("glass", "glas", False),
        ("サーバー", "サーブ", False),
    ],
)
def test_spellings_of_a_term_have_the_same_key(one: str, other: str, same: bool) -> None:
    assert (term_key(one) == term_key(other)) is same


def test_a_term_is_found_in_all_its_spellings() -> None:
    text = "Dark-adaptation, dark adaptations, darkness; フィルタは、フィルターを、フィルタリング"

    assert spellings("dark adaptation").findall(text) == ["Dark-adaptation", "dark adaptations"]
    assert spellings("フィルター").findall(text) == ["フィルタ", "フィルター"]


@pytest.mark.parametrize(
    ("block", "term", "text", "strength"),
    [
        (Block("Aperture: the width of a lens", 1), "Aperture", "The width of a lens.", 2),
        (Block("Finder – a small telescope. Aim it.", 1, ("Finder",)), "Finder", "A small telescope.", 2),
        (
            Block("Look! An occultation is an event that hides a star.", 1),
            "occultation",
            "An event that hides a star.",
            1,
        ),
        (Block("Earthshine is light from Earth.", 1, ("Earthshine",)), "Earthshine", "Light from Earth.", 2),
        (Block("", 1, cells=("zenith", "the top"), header=("Term", "meaning")), "zenith", "The top.", 3),
        (Block("「光害」とは、夜空を照らす街の明かりのことです。", 1), "光害", "夜空を照らす街の明かり。", 2),
        (Block("目が慣れて感度が上がることを「暗順応」と呼びます。", 1), "暗順応", "目が慣れて感度が上がること。", 2),
        (Block("等級は、星の明るさを表す数です。", 1), "等級", "星の明るさを表す数。", 1),
        (Block("赤道儀：星の動きを追える架台。", 1), "赤道儀", "星の動きを追える架台。", 2),
    ],
)
def test_a_definition_is_found(block: Block, term: str, text: str, strength: int) -> None:
    ((found, definition),) = find_definitions("sky.md", [block])

    assert (found, definition.text, definition.source, definition.strength) == (term, text, "sky.md:1", strength)


@pytest.mark.parametrize(
    "block",
    [
        Block("The sky is dark.", 1),
        Block("The lens is coated with care.", 1),
        Block("The sky is the only thing that matters.", 1),
        Block("Note: the sky is dark.", 1),
        Block("望遠鏡がなくても観測は始められます。", 1),
        Block("Sun: a star", 1, is_heading=True),
        Block("sun a star", 1, cells=("sun", "a star"), header=("key", "type")),
    ],
)
def test_other_blocks_define_nothing(block: Block) -> None:
    assert list(find_definitions("sky.md", [block])) == []


def test_a_glossary_defines_best() -> None:
    ((_, definition),) = find_definitions("glossary.md", [Block("Sun: a star nearby", 1)])

    assert definition.strength == 4


def test_candidates_are_marked_defined_or_frequent() -> None:
    text = (
        "We saw Vega. Then Vega set, and Vega rose. A comet is a ball of ice. A comet came. A moon is a ball of rock."
    )
    blocks = [Block("Bright stars", 1, is_heading=True), Block(text, 2), Block("Use a torch.", 3, ("torch",))]

    candidates = scan("sky.md", blocks)

    assert [(one.term, one.count) for one in candidates] == [
        ("bright stars", 1),
        ("comet", 2),
        ("torch", 1),
        ("Vega", 3),
    ]


def test_a_capital_at_the_beginning_of_a_sentence_is_dropped() -> None:
    text = "Collimation is the alignment of mirrors. Dobsonian telescopes need collimation, and a Dobsonian is cheap."
    blocks = [Block(text, 1, ("Collimation", "Dobsonian"))]

    assert [candidate.term for candidate in scan("a.md", blocks)] == ["collimation", "Dobsonian"]
