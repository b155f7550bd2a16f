"""Collects the candidates of a document: terms that it defines, marks, or names again and again."""

import re
from collections import Counter, defaultdict
from typing import Final

from solorun_examples.glossary.definitions import CERTAIN, find_definitions
from solorun_examples.glossary.documents import Block
from solorun_examples.glossary.models import Candidate, Definition
from solorun_examples.glossary.terms import base_form, find_names, is_term, sort_key, spellings

_FREQUENT: Final = 3


def scan(document: str, blocks: list[Block]) -> tuple[Candidate, ...]:
    """The document's candidates, in alphabetical order."""
    text = "\n".join(block.text for block in blocks)
    definitions: defaultdict[str, list[Definition]] = defaultdict(list)
    for term, definition in find_definitions(document, blocks):
        definitions[_as_written(term, text)].append(definition)
    noted = _noted_terms(blocks, text)
    found: dict[str, Candidate] = {}
    for term in noted | definitions.keys():
        uses: Counter[str] = Counter()
        for spelling, count in Counter(spellings(term).findall(text)).items():
            uses[_as_written(spelling, text)] += count
        # A plain sentence defines a term only if the document uses the term elsewhere too.
        if term in noted or uses.total() > 1 or any(one.strength >= CERTAIN for one in definitions[term]):
            found[term] = Candidate(term, uses.total(), tuple(definitions[term]))
        for other, count in uses.items():
            # Other spellings become candidates too, and the review finds that they are duplicates.
            if base_form(other) != base_form(term):
                found.setdefault(other, Candidate(other, count))
    return tuple(sorted(found.values(), key=lambda candidate: sort_key(candidate.term)))


def _noted_terms(blocks: list[Block], text: str) -> set[str]:
    """The terms in headings, in bold, italics or code, and the frequent names."""
    headings = [block.text for block in blocks if block.is_heading]
    marked = [phrase.rstrip(":：.") for block in blocks for phrase in block.marked]
    names = Counter(name for block in blocks if not block.is_heading for name in find_names(block.text))
    noted = {_as_written(phrase, text) for phrase in (*headings, *marked) if is_term(phrase)}
    return noted | {name for name, count in names.items() if count >= _FREQUENT}


def _as_written(term: str, text: str) -> str:
    """The term without a capital that it has only where it opens a sentence."""
    first = term.split(" ")[0]
    if not first[:1].isupper() or not first[1:].islower():
        return term
    inside = re.findall(rf"(?<=[a-z,] ){re.escape(first)}\b", text, re.IGNORECASE)
    return term if inside and all(word[0].isupper() for word in inside) else term[0].lower() + term[1:]
