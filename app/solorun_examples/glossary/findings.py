"""What can be wrong with entries, found without a model: missing, circular, duplicate and conflicting definitions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from solorun_examples.glossary import english, japanese
from solorun_examples.glossary.entries import Definition, Entry, Fault, Finding, Manner
from solorun_examples.glossary.terms import sort_key, term_key

_SENTENCES: Final = frozenset({Manner.IS, Manner.WA, Manner.TOWA, Manner.NAMED})
_HEAD: Final = 4
_DIFFERENT: Final = 0.2
_CLEAR: Final = 70
"""Only definitions that score so much can contradict each other: a remark is no second definition."""


def find_findings(entries: Sequence[Entry]) -> list[Finding]:
    """All findings, by term and kind."""
    found = [*find_missing(entries), *find_circular(entries), *find_duplicates(entries), *find_conflicting(entries)]
    return sorted(found, key=lambda finding: (sort_key(finding.term), finding.fault, finding.others))


def find_missing(entries: Iterable[Entry]) -> Iterator[Finding]:
    for entry in entries:
        if not entry.definition:
            yield Finding(Fault.MISSING, entry.term, entry.lack)


def find_duplicates(entries: Iterable[Entry]) -> Iterator[Finding]:
    """Terms that are spellings of one word; the finding stands at the one that is used most."""
    groups: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[term_key(entry.term)].append(entry)
    for group in groups.values():
        if len(group) > 1:
            first, *others = sorted(group, key=_preference)
            names = tuple(entry.term for entry in others)
            yield Finding(Fault.DUPLICATE, first.term, f"Spelled {_listed(names)} too.", names)


def find_circular(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Terms explained by themselves, and pairs of terms of which each is nothing but the other."""
    heads = {entry.term: head_words(entry.definition) for entry in entries if entry.definition}
    by_key = {term_key(entry.term): entry.term for entry in entries}
    for entry in entries:
        if is_circular(entry.term, entry.definition):
            yield Finding(Fault.CIRCULAR, entry.term, "It is explained by itself.")
            continue
        for word in heads.get(entry.term, [])[:1]:
            other = by_key.get(term_key(word))
            back = heads.get(other, [])[:1] if other is not None and other != entry.term else []
            if other is not None and any(term_key(again) == term_key(entry.term) for again in back):
                yield Finding(Fault.CIRCULAR, entry.term, f"It is explained by {other}, and that by it.", (other,))


def find_conflicting(entries: Iterable[Entry]) -> Iterator[Finding]:
    """Terms that two documents define clearly and differently."""
    for entry in entries:
        for rival in rivals_of(entry.definitions):
            reason = f"{entry.definitions[0].source} and {rival.source} define it differently."
            yield Finding(Fault.CONFLICTING, entry.term, reason)
            break


def rivals_of(definitions: Sequence[Definition]) -> Iterator[Definition]:
    """Those of other documents that contradict the first one, one for each document."""
    documents = {known.source.document for known in definitions[:1]}
    for known in definitions[1:]:
        best = definitions[0]
        # Beside a glossary, tables and labels are about something else of that name: a setting, an argument. What is
        # said of a name in a program never contradicts the word.
        spoken = known.master or known.manner in _SENTENCES or not (best.master or known.manner is Manner.CODE)
        if spoken and known.score >= _CLEAR and known.source.document not in documents and differ(best, known):
            documents.add(known.source.document)
            yield known


def differ(one: Definition, other: Definition) -> bool:
    """Whether two definitions share hardly a word (in Japanese: hardly a pair of characters)."""
    first, second = _grams(one.text), _grams(other.text)
    return len(first & second) < _DIFFERENT * min(len(first), len(second))


def is_circular(term: str, definition: str) -> bool:
    """Whether a definition begins with the term, or says hardly more than it."""
    if not definition:
        return False
    if japanese.is_japanese(term):
        return term_key(definition[: len(term) + 1]).startswith(term_key(term))
    words = [term_key(word) for word in english.content_words(definition)]
    own = [term_key(word) for word in english.content_words(term)] or [term_key(term)]
    begins = any(term_key(" ".join(words[:length])) == term_key(term) for length in range(1, _HEAD + 1))
    return begins or (set(own) <= set(words) and len(set(words) - set(own)) < 2)


def head_words(definition: str) -> list[str]:
    """The words that carry a definition's beginning."""
    if japanese.is_japanese(definition):
        return list(japanese.compounds(definition))[:_HEAD]
    return english.content_words(definition)[:_HEAD]


def _preference(entry: Entry) -> tuple[bool, bool, int, str]:
    is_plural = english.singular(entry.term.casefold()) != entry.term.casefold()
    return (not entry.definition, is_plural, -entry.count, entry.term)


def _grams(text: str) -> set[str]:
    if japanese.is_japanese(text):
        kept = "".join(character for character in text if character.isalnum())
        return {kept[at : at + 2] for at in range(len(kept) - 1)}
    return set(english.content_words(text))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
