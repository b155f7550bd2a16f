"""Fixes entries according to the findings: merges, replaces, marks and drops them."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from solorun_examples.glossary.checks import find_rivals, is_circular
from solorun_examples.glossary.models import Dropped, Entry, Finding, Glossary, Problem
from solorun_examples.glossary.terms import spellings

# Merging comes first: an undefined spelling may belong to a defined term.
_ORDER: Final = (Problem.DUPLICATE, Problem.CIRCULAR, Problem.CONFLICTING, Problem.MISSING)


class Fixes:
    """The fixes to some entries. `actions` describes in words what was done, in order."""

    def __init__(self, entries: Iterable[Entry], findings: Iterable[Finding]) -> None:
        self.actions: list[str] = []
        self._dropped: list[Dropped] = []
        self._entries = {entry.term: entry for entry in entries}
        for finding in sorted(findings, key=lambda finding: _ORDER.index(finding.problem)):
            # A term that was merged or dropped has no problems any more.
            if entry := self._entries.get(finding.term):
                self._fix(entry, finding)

    def glossary(self) -> Glossary:
        """The entries that remain, with references to each other."""
        patterns = {term: spellings(term) for term in self._entries}
        entries = []
        for term, entry in self._entries.items():
            text = entry.definitions[0].text
            mentioned = (other for other, pattern in patterns.items() if other != term and pattern.search(text))
            entries.append(replace(entry, see_also=tuple(mentioned)))
        return Glossary(tuple(entries), tuple(self._dropped))

    def _fix(self, entry: Entry, finding: Finding) -> None:
        match finding.problem:
            case Problem.DUPLICATE:
                self._merge(entry, [self._entries.pop(other) for other in finding.others if other in self._entries])
            case Problem.CIRCULAR:
                better = tuple(one for one in entry.definitions if not is_circular(entry.term, one.text))
                if better:
                    self._entries[entry.term] = replace(entry, definitions=better)
                    self.actions.append(f"took the definition of {entry.term} from {better[0].source}")
                else:
                    self._drop(entry, finding.reason)
                    self.actions.append(f"dropped {entry.term}: {finding.reason}")
            case Problem.CONFLICTING:
                self._entries[entry.term] = replace(entry, rivals=find_rivals(entry))
                self.actions.append(f"marked {entry.term} as conflicting")
            case Problem.MISSING:
                self._drop(entry, finding.reason)

    def _merge(self, entry: Entry, others: list[Entry]) -> None:
        group = (entry, *others)
        definitions = (definition for one in group for definition in one.definitions)
        self._entries[entry.term] = replace(
            entry,
            count=sum(one.count for one in group),
            definitions=tuple(sorted(definitions, key=lambda definition: -definition.strength)),
            aliases=tuple(one.term for one in others),
        )
        self.actions.append(f"merged {', '.join(one.term for one in others)} into {entry.term}")

    def _drop(self, entry: Entry, reason: str) -> None:
        del self._entries[entry.term]
        self._dropped.append(Dropped(entry.term, reason))
