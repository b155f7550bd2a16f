"""Recognises the passages in which a document defines a term."""

import re
from collections.abc import Iterator
from typing import Final

from solorun_examples.glossary.documents import Block
from solorun_examples.glossary.models import Definition
from solorun_examples.glossary.terms import is_japanese, is_term, term_key

CERTAIN: Final = 2
"""The strength from which a definition needs no further evidence."""

_IN_GLOSSARY, _IN_TABLE, _MARKED, _PLAIN = 4, 3, CERTAIN, 1
_MAX_LENGTH: Final = 300

_TERM_COLUMN: Final = re.compile(r"(?:term|word|concept|用語|言葉)s?", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(r"(?<=[a-z)\d\"”][.!?])\s+(?=[\"“(]?[A-Z])|(?<=[。！？])")
_NOUN: Final = re.compile(r"(?:an?|the|one|two|any|what|where|which|who|how)\b", re.IGNORECASE)
_RELATION: Final = re.compile(r"\b(?:that|which|who|whose|where|when|of|in|with|for|from|between|by|to|on)\b")
_VAGUE: Final = re.compile(
    r"(?:\w+ed|\w+ly|not|never|always|also|there|here|one of|in|on|at|by|for)\b"
    r"|(?:an?|the|one of the) (?:same|only|first|last|next|best|most|more|reason|result|case|thing|way|good|bad)\b",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(r"(?P<term>[^:：—–]{2,40}?)\s*(?:[:：]|\s[—–-])\s*(?P<meaning>\S.+)", re.DOTALL)
_IS: Final = re.compile(
    r"(?:(?:An?|The) )?(?P<term>[^,;:.]{2,40}?) (?:is|are|means|refers to) (?P<meaning>\S.+)", re.DOTALL
)
_NAME: Final = r"[「『]?(?P<term>[^「」『』、。は\s]{2,24}?)[」』]?\s?"
_TOWA: Final = re.compile(rf"{_NAME}とは、?(?P<meaning>.+)")
_WA: Final = re.compile(rf"{_NAME}は、?(?P<meaning>.{{6,}}[ァ-ヺー々一-鿿])(?:のこと)?(?:です|である|だ)。?")
_CALLED: Final = re.compile(r"(?P<meaning>.{6,}?)(?:のこと)?を「(?P<term>[^「」]{2,24})」と(?:呼び|呼ぶ|いい|いう).*")
_COPULA: Final = re.compile(r"(?:のこと)?(?:です|である|だ|を(?:いう|いいます|指す|指します))?。?$")


def find_definitions(document: str, blocks: list[Block]) -> Iterator[tuple[str, Definition]]:
    """Each term that the document defines, with its definition."""
    is_glossary = re.search(r"glossary|terms|用語", document, re.IGNORECASE) is not None
    for block in blocks:
        for term, meaning, strength in _find_in(block):
            text = _tidy(meaning)
            if is_term(term) and 8 <= len(text) <= _MAX_LENGTH:
                rank = _IN_GLOSSARY if is_glossary and strength > _PLAIN else strength
                yield term, Definition(text, f"{document}:{block.line}", rank)


def _find_in(block: Block) -> Iterator[tuple[str, str, int]]:
    if block.is_heading:
        return
    if block.cells:
        if len(block.cells) == 2 and _TERM_COLUMN.fullmatch(block.header[0]):
            yield block.cells[0], block.cells[1], _IN_TABLE
        return
    marked = {term_key(phrase.rstrip(":：.")) for phrase in block.marked}
    sentences = [sentence for sentence in _SENTENCE_END.split(block.text) if sentence]
    label = _LABEL.fullmatch(sentences[0]) if sentences else None
    if label and (is_japanese(label["meaning"]) or _NOUN.match(label["meaning"])):
        yield label["term"], label["meaning"], _MARKED
        return
    for sentence in sentences:
        patterns = (_TOWA, _CALLED, _WA) if is_japanese(sentence) else (_IS,)
        found = next(filter(None, (pattern.fullmatch(sentence) for pattern in patterns)), None)
        if found is None or _VAGUE.match(found["meaning"]):
            continue
        is_marked = term_key(found["term"]) in marked or found.re in {_TOWA, _CALLED}
        # "Earthshine is sunlight that …" says what it is, "The sky is dark" does not.
        names_a_kind = (is_marked or _NOUN.match(found["meaning"])) and _RELATION.search(found["meaning"])
        if is_japanese(sentence) or names_a_kind:
            yield found["term"], found["meaning"], _MARKED if is_marked else _PLAIN


def _tidy(meaning: str) -> str:
    """The meaning as a glossary prints it: a capital, a full stop, no Japanese copula."""
    text = meaning.strip()
    if is_japanese(text):
        return _COPULA.sub("", text) + "。"
    return f"{text[:1].upper()}{text[1:].rstrip('.;,')}."
