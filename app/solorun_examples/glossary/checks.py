"""Checks entries for problems: missing, circular, duplicate and conflicting definitions."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from solorun_examples.glossary.definitions import CERTAIN
from solorun_examples.glossary.models import Definition, Entry, Finding, Problem
from solorun_examples.glossary.terms import content_words, is_japanese, sort_key, term_key

_SIMILAR: Final = 0.2


def check(entries: Sequence[Entry]) -> tuple[Finding, ...]:
    """All findings, in alphabetical order of their terms."""
    found = [*_find_duplicates(entries)]
    for entry in entries:
        if not entry.definitions:
            found.append(Finding(Problem.MISSING, entry.term, "No document says what it is."))
        elif is_circular(entry.term, entry.definitions[0].text):
            found.append(Finding(Problem.CIRCULAR, entry.term, "It is defined by itself."))
        elif rivals := find_rivals(entry):
            places = f"{entry.definitions[0].source} and {rivals[0].source}"
            found.append(Finding(Problem.CONFLICTING, entry.term, f"{places} define it differently."))
    return tuple(sorted(found, key=lambda finding: (sort_key(finding.term), finding.problem)))


def find_rivals(entry: Entry) -> tuple[Definition, ...]:
    """Definitions that share hardly a word with the best one."""
    best = set(content_words(entry.definitions[0].text))
    others = [(one, set(content_words(one.text))) for one in entry.definitions[1:] if one.strength >= CERTAIN]
    return tuple(one for one, words in others if len(best & words) < _SIMILAR * min(len(best), len(words)))


def is_circular(term: str, definition: str) -> bool:
    """Whether a definition opens with the term itself."""
    if is_japanese(term):
        return definition.startswith(term)
    words = content_words(term)
    return content_words(definition)[: len(words)] == words


def _find_duplicates(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Entries whose terms are spellings of a defined one."""
    groups: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[term_key(entry.term)].append(entry)
    for group in groups.values():
        first, *others = sorted(group, key=lambda entry: (not entry.definitions, -entry.count))
        if others and first.definitions:
            names = tuple(entry.term for entry in others)
            yield Finding(Problem.DUPLICATE, first.term, f"It is also spelled {', '.join(names)}.", names)
