"""What can be a term, and when two terms are one."""

import pytest

from solorun_examples.glossary.sentences import on_one_line, split_sentences
from solorun_examples.glossary.terms import is_term, sort_key, term_key


@pytest.mark.parametrize(
    "term",
    [
        "run",
        "family",
        "variable",
        "partial unique index",
        "point of view",
        "赤道儀",
        "CCDカメラ",
        "天の川",
        "open-source",
    ],
)
def test_terms_are_terms(term: str) -> None:
    assert is_term(term)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "x",
            "Overview",
            "How it works",
            "Add tests",
            "the run",
            "400 of 800",
            "really",
            "one two three four five",
        ),
        *("場合", "これまで", "2024年", "全体的", "各自", "あ", "長" * 25, "important note", "true", "H1"),
    ],
)
def test_words_of_every_text_are_no_terms(text: str) -> None:
    assert not is_term(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Log file", "log files"),
        ("log-file", "logfile"),
        ("log_file", "Log File"),
        ("entry", "entries"),
        ("branch", "branches"),
        ("サーバー", "サーバ"),
        ("データベース", "データ・ベース"),
        ("ＦＩＴＳ", "FITS"),
        ("「光害」", "光害"),
    ],
)
def test_spellings_of_one_word_are_the_same(one: str, other: str) -> None:
    assert term_key(one) == term_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("status", "statu"), ("process", "proces"), ("バー", "バ"), ("run", "rung")]
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert term_key(one) != term_key(other)


def test_terms_are_ordered_alphabetically_with_japanese_last() -> None:
    assert sorted(["光害", "Zenith", "--once", "asterism"], key=sort_key) == ["asterism", "--once", "Zenith", "光害"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two\nlines! Three?", [("One.", 1), ("Two lines!", 1), ("Three?", 2)]),
        ("Ask e.g. Dr. Who. Then go.", [("Ask e.g. Dr. Who.", 1), ("Then go.", 1)]),
        ("一つ目。二つ\n目です。", [("一つ目。", 1), ("二つ目です。", 1)]),
        ("version 0.9.1 is\nhere", [("version 0.9.1 is here", 1)]),
        ("A.\n\nB", [("A. B", 1)]),
    ],
)
def test_sentences_are_cut_with_their_lines(text: str, sentences: list[tuple[str, int]]) -> None:
    assert split_sentences(text, 1) == sentences


def test_lines_are_joined_with_a_space_only_where_words_need_one() -> None:
    assert on_one_line("夜空の\n 観測 and\nmore") == "夜空の観測 and more"
