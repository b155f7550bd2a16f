"""Sees the terms of one document, and makes of all documents' sightings the list of candidates."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from solorun_examples.glossary import english, japanese
from solorun_examples.glossary.definitions import find_passages, lack_of
from solorun_examples.glossary.documents import Document, Shape
from solorun_examples.glossary.entries import Candidate, Context, Dropped, Kind, Manner, Passage, Source
from solorun_examples.glossary.markdown import BOLD, CODE, plain
from solorun_examples.glossary.sentences import split_sentences
from solorun_examples.glossary.terms import is_term, sort_key, term_key
from solorun_examples.glossary.workspace import Sightings

DEFAULT_LIMIT: Final = 200
MAX_CONTEXTS: Final = 4
_MAX_CONTEXT_LENGTH: Final = 400
_FREQUENT: Final = 4
_MANY: Final = 3
_A_GLOSSARY: Final = 10
"""So many terms that a glossary defines make one worth the name."""

_WEIGHTS: Final = {
    Kind.DEFINED: 6.0,
    Kind.HEADING: 3.0,
    Kind.BOLD: 2.0,
    Kind.CODE: 1.5,
    Kind.FREQUENT: 1.0,
    Kind.COMPOUND: 0.5,
    Kind.LATIN: 0.5,
}
# These say of themselves that they define; what merely sounds like a definition must be a term for other reasons too.
_PLAIN_SPOKEN: Final = frozenset({Manner.TABLE, Manner.LIST, Manner.LABEL, Manner.TOWA, Manner.NAMED})


def see(document: Document) -> Sightings:
    """What the document holds. Terms are in lower case: how they are written is decided when all are known."""
    passages: defaultdict[str, list[Passage]] = defaultdict(list)
    kinds: defaultdict[str, set[Kind]] = defaultdict(set)
    uses: defaultdict[str, Counter[str]] = defaultdict(Counter)
    contexts: defaultdict[str, list[Context]] = defaultdict(list)
    for term, passage in find_passages(document):
        passages[term.casefold()].append(passage)
        kinds[term.casefold()].add(Kind.DEFINED)
        uses[term.casefold()]["" if term[0].isupper() and not english.is_name(term) else term] += 1
    for term, mark in _marked(document):
        kinds[term.casefold()].add(mark)
    for block in document.blocks:
        texts = block.cells if block.shape is Shape.ROW else (block.text,)
        for sentence in (found for text in texts for found in split_sentences(plain(text), block.line)):
            source = Source(document.name, sentence.line)
            for term, kind, initial in _words(sentence.text):
                key = term.casefold()
                uses[key]["" if initial or block.shape is Shape.HEADING else term] += 1
                if kind is not None:
                    kinds[key].add(kind)
                known = contexts[key]
                if (
                    len(known) < MAX_CONTEXTS
                    and block.shape is not Shape.HEADING
                    and len(sentence.text) > len(term) + 8
                ):
                    known.append(Context(sentence.text[:_MAX_CONTEXT_LENGTH], source))
    kept = sorted(key for key in uses.keys() | kinds.keys() if key in kinds or _is_frequent(key, uses[key]))
    return Sightings(
        {key: tuple(sorted(kinds[key])) for key in kept if key in kinds},
        {key: tuple(passages[key]) for key in kept if key in passages},
        {key: tuple(dict.fromkeys(contexts[key])) for key in kept if contexts[key] and _may_be_shown(key, kinds)},
        {key: dict(sorted(uses[key].items())) for key in kept if uses[key]},
    )


def collect(
    documents: Mapping[str, Sightings], limit: int = DEFAULT_LIMIT
) -> tuple[tuple[Candidate, ...], tuple[Dropped, ...]]:
    """The candidates of all documents, alphabetical, and what is none though a passage seems to define it, with why.

    Above `limit` the weakest without a definition are left out.
    """
    keys = sorted({key for sightings in documents.values() for key in (*sightings.kinds, *sightings.uses)})
    candidates = [_candidate(key, documents) for key in keys]
    hearsay: list[Candidate] = []
    if sum(any(passage.master for passage in candidate.passages) for candidate in candidates) >= _A_GLOSSARY:
        hearsay = [candidate for candidate in candidates if _is_hearsay(candidate)]
        candidates = [candidate for candidate in candidates if not _is_hearsay(candidate)]
    defined = {term_key(candidate.term) for candidate in candidates if candidate.passages and _rank(candidate)}
    ranked: list[tuple[bool, float, tuple[int, str, str], Candidate]] = []
    faint: list[Candidate] = []
    for candidate in candidates:
        rank = _rank(candidate)
        # Another spelling of a defined term belongs to it, however rare it is: the review finds it.
        if rank > 0 or (_is_spelling(candidate) and term_key(candidate.term) in defined):
            ranked.append((not candidate.passages, -rank, sort_key(candidate.term), candidate))
        elif Kind.DEFINED in candidate.kinds:
            faint.append(candidate)
    ranked.sort(key=lambda one: one[:3])
    dropped = [Dropped(candidate.term, "Beside the glossary this is but a remark.") for candidate in hearsay]
    dropped += [Dropped(candidate.term, _doubt(candidate)) for candidate in faint]
    dropped += [Dropped(one[3].term, f"Only {limit} candidates are taken.") for one in ranked[limit:]]
    return (
        tuple(sorted((one[3] for one in ranked[:limit]), key=lambda candidate: sort_key(candidate.term))),
        tuple(sorted(dropped, key=lambda gone: sort_key(gone.term))),
    )


def _doubt(candidate: Candidate) -> str:
    if english.is_generic(candidate.term):
        return "The word stands in every text and names nothing in particular."
    if all(passage.manner is Manner.KEY for passage in candidate.passages):  # or there are none left
        return lack_of(candidate)
    return f"What {candidate.passages[0].source} says is not clearly a definition, and little else speaks for the term."


def _candidate(key: str, documents: Mapping[str, Sightings]) -> Candidate:
    holding = [
        sightings for _, sightings in sorted(documents.items()) if key in sightings.uses or key in sightings.kinds
    ]
    forms: Counter[str] = Counter()
    for sightings in holding:
        forms.update(sightings.uses.get(key, {}))
    count = max(forms.total(), 1)
    forms.pop("", None)
    kinds = {kind for sightings in holding for kind in sightings.kinds.get(key, ())}
    if english.is_noun_like(key) and count >= _FREQUENT:
        kinds.add(Kind.FREQUENT)
    contexts = [context for sightings in holding for context in sightings.contexts.get(key, ())]
    passages = _without_fields([passage for sightings in holding for passage in sightings.passages.get(key, ())])
    term = english.usual_form(key, forms)
    return Candidate(term, tuple(sorted(kinds)), count, len(holding), passages, tuple(contexts[:MAX_CONTEXTS]))


def _is_hearsay(candidate: Candidate) -> bool:
    """Whether only a remark defines it, and nothing marks it as a term: where a glossary exists, that is too little."""
    defined = [passage for passage in candidate.passages if passage.master or passage.manner in _PLAIN_SPOKEN]
    marks = {Kind.HEADING, Kind.BOLD, Kind.CODE}
    return bool(candidate.passages) and not defined and not marks & set(candidate.kinds)


def _is_spelling(candidate: Candidate) -> bool:
    """Whether it says more than a plural does: `runs` is no spelling of `run` that a reader would ask for."""
    return bool(candidate.kinds) or not candidate.term.isalpha()


def _without_fields(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """A label that is filled in again and again is a field of a form (Decided: …, Why: …), and explains no word."""
    labels = {passage.source for passage in passages if passage.manner is Manner.LABEL and not passage.master}
    is_field = len(labels) >= _MANY
    return tuple(
        passage for passage in passages if passage.master or not is_field or passage.manner is not Manner.LABEL
    )


def _rank(candidate: Candidate) -> float:
    """How much speaks for the candidate, 0 if too little does."""
    kinds, passages = set(candidate.kinds), candidate.passages
    certain = any(_is_certain(known, candidate) for known in passages)
    weak = kinds <= {Kind.COMPOUND, Kind.LATIN, Kind.CODE} and candidate.count < _FREQUENT
    lonely = candidate.count < 3 and len(kinds - {Kind.DEFINED}) < 1
    if not kinds or not candidate.documents or (not certain and (weak or lonely or english.is_generic(candidate.term))):
        return 0.0
    return sum(_WEIGHTS[kind] for kind in kinds) + math.log2(candidate.count) + 0.5 * (candidate.spread - 1)


def _is_certain(passage: Passage, candidate: Candidate) -> bool:
    """Whether the passage alone makes a term: a glossary, a label, or a sentence that classifies as dictionaries do."""
    if passage.manner is Manner.IS and not english.is_generic(candidate.term):
        return passage.master or (english.classifies(passage.text) and english.is_plain_name(candidate.term))
    return passage.master or passage.manner in _PLAIN_SPOKEN


def _marked(document: Document) -> Iterator[tuple[str, Kind]]:
    for block in document.blocks:
        if block.shape is Shape.HEADING and is_term(plain(block.text)):
            yield plain(block.text), Kind.HEADING
        for bold in BOLD.finditer(block.text):
            if is_term(term := plain(bold[2]).rstrip(":：.")):
                yield term, Kind.BOLD
        for code in CODE.finditer(block.text):
            if english.is_identifier(term := code[2].strip()):
                yield term, Kind.CODE


def _words(sentence: str) -> Iterator[tuple[str, Kind | None, bool]]:
    """Each possible term of a sentence, and whether it opens it."""
    if japanese.is_japanese(sentence):
        for word in japanese.compounds(sentence):
            yield word, Kind.COMPOUND, False
        for word in japanese.latin_words(sentence):
            yield word, Kind.LATIN, False
        return
    opening = sentence.lstrip("\"'“‘([ ")
    for phrase in english.phrases(sentence):
        yield phrase, None, opening.startswith(phrase)


def _may_be_shown(key: str, kinds: Mapping[str, set[Kind]]) -> bool:
    """Of words that are no candidates only the number of uses is kept: another document may call them terms."""
    return key in kinds or english.is_noun_like(key)


def _is_frequent(key: str, forms: Counter[str]) -> bool:
    return forms.total() > 1 and (english.is_noun_like(key) or " " not in key)
