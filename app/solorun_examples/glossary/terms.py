"""What can be a term in English and Japanese, and when two spellings are the same term."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

_JAPANESE: Final = re.compile(r"[ぁ-ゖァ-ヺー々一-鿿]")
_JAPANESE_TERM: Final = re.compile(r"[A-Za-z0-9]*[ァ-ヺー・々一-鿿]+(?:の?[ァ-ヺー・々一-鿿]+)*")
_JAPANESE_RUN: Final = re.compile(r"[ァ-ヺー]{3,}|[々一-鿿]{2,}")
_ENGLISH_TERM: Final = re.compile(r"[A-Za-z_][\w.'’/-]*(?: (?:of )?[\w.'’/-]+){0,3}")
_NAME: Final = re.compile(r"(?<=[a-z,] )[A-Z][\w-]+(?: [A-Z][\w-]+)*")
_CONTENT_WORD: Final = re.compile(r"[A-Za-z][\w'’]*")

_STOP_WORDS: Final = """
a about after all also an and another any are as at be because been before both but by can do does each every few first
for from has have he here how i if in into is it its last many may more most must no not nothing of on once one only or
other our out own same several she should so some such than that the their them then there these they this those to too
two under until up us very was we were what when where which while who whose why will with without you your"""
_STOP: Final = frozenset(_STOP_WORDS.split())

# These words open sections and sentences everywhere, and name nothing in particular.
_COMMON_WORDS: Final = """
answer body case change check default difference effect end error example field file goal idea input item key limit line
list message method name note number object option order output page part point problem purpose question reason result
row rule section set start step summary table text thing time tip type use user value way word work
以上 以下 例 場合 必要 意味 用語 方法 最初 最後 時間 条件 注意 準備 目的 結果 説明 部分"""
_COMMON: Final = frozenset(_COMMON_WORDS.split())


def is_japanese(text: str) -> bool:
    return _JAPANESE.search(text) is not None


def is_term(text: str) -> bool:
    """Whether `text` is a short noun phrase that could stand in a glossary."""
    if not 2 <= len(text) <= 40 or text.casefold().removesuffix("s") in _COMMON:
        return False
    if is_japanese(text):
        return _JAPANESE_TERM.fullmatch(text) is not None
    words = text.casefold().split()
    return _ENGLISH_TERM.fullmatch(text) is not None and not any(word in _STOP for word in words if word != "of")


def find_names(text: str) -> Iterator[str]:
    """Words that look like terms without any markup: capitalised English names, runs of katakana or kanji."""
    pattern = _JAPANESE_RUN if is_japanese(text) else _NAME
    yield from (found for found in pattern.findall(text) if is_term(found))


def spellings(term: str) -> re.Pattern[str]:
    """Matches the ways to write a term: dark adaptation, Dark-adaptations; フィルター, フィルタ."""
    if is_japanese(term):
        stem = re.escape(term.removesuffix("ー"))
        return re.compile(rf"{stem}ー?(?![ァ-ヺー])" if term.endswith("ー") else stem)
    words = "[ -]?".join(re.escape(word) for word in re.split("[ -]", _singular(term)))
    return re.compile(rf"(?<![\w-]){words}(?:e?s)?(?![\w-])", re.IGNORECASE)


def base_form(term: str) -> str:
    """Equal for a term and its plain plural, in capitals or not."""
    return _singular(term.casefold())


def term_key(term: str) -> str:
    """Equal for spellings of the same term."""
    text = re.sub(r"[\s_・-]+", "", unicodedata.normalize("NFKC", term).casefold())
    return text.removesuffix("ー") if is_japanese(text) else _singular(text)


def sort_key(term: str) -> tuple[bool, str, str]:
    """Alphabetical, English before Japanese."""
    return is_japanese(term), term.casefold(), term


def content_words(text: str) -> list[str]:
    """The words that carry a text's meaning; for Japanese, every pair of neighbouring characters."""
    if is_japanese(text):
        kept = [character for character in text if character.isalnum()]
        return ["".join(pair) for pair in pairwise(kept)]
    words = (word.casefold() for word in _CONTENT_WORD.findall(text))
    return [_singular(word) for word in words if word not in _STOP]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
