"""When two terms are the same word: case, plural, hyphen and space, the long vowel of katakana."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from solorun_examples.glossary import english, japanese

_JOINTS: Final = re.compile(r"[\s_・‐-―-]+")
_LONG_VOWEL: Final = re.compile(r"(?<=[ァ-ヺー]{2})ー(?=$|[^ァ-ヺー])")
_QUOTES: Final = "\"'“”‘’「」『』`"


@lru_cache(maxsize=50_000)
def term_key(term: str) -> str:
    """Equal for spellings of one word: Log files, log-file and logfile; サーバー and サーバ."""
    text = _LONG_VOWEL.sub("", unicodedata.normalize("NFKC", term).strip(_QUOTES + " "))
    words = _JOINTS.split(text.casefold())
    return "".join([*words[:-1], english.singular(words[-1])])


def is_term(text: str) -> bool:
    return japanese.is_term(text) if japanese.is_japanese(text) else english.is_term(text)


def sort_key(term: str) -> tuple[int, str, str]:
    """Alphabetical whatever the case; Latin letters before Japanese, leading signs do not count."""
    folded = unicodedata.normalize("NFKC", term).casefold().lstrip("-_./ ")
    return (1 if japanese.is_japanese(term[:1]) else 0, folded, term)
