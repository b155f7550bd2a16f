"""Mends entries according to the findings: merges, rewrites, marks, drops. Pure: the same input, the same glossary."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from solorun_examples.glossary import english, japanese
from solorun_examples.glossary.entries import Definition, Dropped, Entry, Fault, Finding, GlossaryEntry, Origin
from solorun_examples.glossary.findings import is_circular, rivals_of
from solorun_examples.glossary.terms import sort_key, term_key

MAX_SOURCES = 4
MAX_SEE_ALSO = 6


@dataclass(frozen=True, slots=True)
class Mended:
    """`actions` say in words what was done, in order."""

    entries: tuple[GlossaryEntry, ...]
    dropped: tuple[Dropped, ...]
    actions: tuple[str, ...]


def mend(
    entries: Sequence[Entry],
    findings: Iterable[Finding],
    rewritten: Mapping[str, str],
    rejected: Sequence[Dropped] = (),
) -> Mended:
    """`rewritten` are a model's new definitions, by term; `rejected` is what was dropped before."""
    work = _Mending({entry.term: entry for entry in entries}, rewritten)
    by_fault: dict[Fault, list[Finding]] = {fault: [] for fault in Fault}
    for finding in findings:
        by_fault[finding.fault].append(finding)
    # Merging first: a spelling without a definition may belong to one that has it.
    for finding in by_fault[Fault.DUPLICATE]:
        work.merge(finding)
    for finding in by_fault[Fault.NOT_A_TERM]:
        work.drop(finding.term, finding.reason)
    for finding in (*by_fault[Fault.CIRCULAR], *by_fault[Fault.UNCLEAR]):
        work.rewrite(finding)
    for finding in by_fault[Fault.CONFLICTING]:
        work.mark_conflict(finding)
    for entry in list(work.entries.values()):
        if not entry.definition:
            work.drop(entry.term, entry.lack, quiet=True)
    ordered = sorted(work.entries.values(), key=lambda entry: sort_key(entry.term))
    dropped = sorted((*work.dropped, *rejected), key=lambda gone: sort_key(gone.term))
    return Mended(tuple(_finished(ordered)), tuple(dropped), tuple(work.actions))


class _Mending:
    def __init__(self, entries: dict[str, Entry], rewritten: Mapping[str, str]) -> None:
        self.entries = entries
        self.rewritten = rewritten
        self.dropped: list[Dropped] = []
        self.actions: list[str] = []

    def merge(self, finding: Finding) -> None:
        first = self.entries.get(finding.term)
        others = [self.entries.pop(term) for term in finding.others if first and term in self.entries]
        if first is None or not others:
            return
        group = [first, *others]
        known = dict.fromkeys(definition for entry in group for definition in entry.definitions)
        definitions = tuple(sorted(known, key=lambda one: (-one.score, one.source, one.text)))
        worded = next((entry for entry in group if entry.definition and entry.origin is Origin.MODEL), None)
        self.entries[first.term] = replace(
            first,
            definition=worded.definition if worded else (definitions[0].text if definitions else ""),
            origin=worded.origin if worded else Origin.DOCUMENT,
            definitions=definitions,
            contexts=tuple(context for entry in group for context in entry.contexts),
            count=sum(entry.count for entry in group),
            aliases=tuple(entry.term for entry in others),
        )
        self.actions.append(f"merged {', '.join(entry.term for entry in others)} into {first.term}")

    def rewrite(self, finding: Finding) -> None:
        entry = self._find(finding.term)
        if entry is None or not entry.definition:
            return
        if new := self.rewritten.get(entry.term):
            self.entries[entry.term] = replace(entry, definition=new, origin=Origin.MODEL)
            self.actions.append(f"rewrote {entry.term}: the model words it anew")
            return
        if entry.origin is Origin.DOCUMENT and not finding.others and not is_circular(entry.term, entry.definition):
            # A merged spelling had the fault, or a model's opinion is all there is.
            if finding.fault is Fault.UNCLEAR:
                self._mark(entry, finding.fault)
            return
        second = next(
            (
                known
                for known in entry.definitions
                if known.text != entry.definition and not is_circular(entry.term, known.text)
            ),
            None,
        )
        if second is not None:
            self.entries[entry.term] = replace(entry, definition=second.text, origin=Origin.DOCUMENT)
            self.actions.append(f"rewrote {entry.term}: now as {second.source} has it")
        elif finding.others or finding.fault is Fault.UNCLEAR:
            self._mark(entry, finding.fault)
        else:
            self.drop(entry.term, finding.reason)

    def mark_conflict(self, finding: Finding) -> None:
        entry = self._find(finding.term)
        if entry is not None and Fault.CONFLICTING.value not in entry.marks:
            self._mark(entry, finding.fault)

    def drop(self, term: str, reason: str, *, quiet: bool = False) -> None:
        if self.entries.pop(term, None) is not None:
            self.dropped.append(Dropped(term, reason))
            if not quiet:
                self.actions.append(f"dropped {term}: {reason}")

    def _mark(self, entry: Entry, fault: Fault) -> None:
        self.entries[entry.term] = replace(entry, marks=(*entry.marks, fault.value))
        self.actions.append(f"marked {entry.term} as {fault.value}")

    def _find(self, term: str) -> Entry | None:
        """The entry of a term, or the one it was merged into."""
        if term in self.entries:
            return self.entries[term]
        return next((entry for entry in self.entries.values() if term in entry.aliases), None)


def _finished(entries: Sequence[Entry]) -> Iterable[GlossaryEntry]:
    names = {term_key(name): entry.term for entry in entries for name in (entry.term, *entry.aliases)}
    for entry in entries:
        mentioned = dict.fromkeys(names[key] for key in _keys_in(entry.definition, names) if names[key] != entry.term)
        yield GlossaryEntry(
            entry.term,
            entry.definition,
            entry.origin,
            entry.sources[:MAX_SOURCES],
            entry.aliases,
            tuple(mentioned)[:MAX_SEE_ALSO],
            entry.marks,
            _rivals(entry) if Fault.CONFLICTING.value in entry.marks else (),
        )


def _keys_in(definition: str, names: Mapping[str, str]) -> list[str]:
    """The keys that a definition mentions, in its order."""
    if japanese.is_japanese(definition):
        places = [(definition.find(term), key) for key, term in names.items() if len(term) > 1 and term in definition]
        return [key for _, key in sorted(places)]
    return [key for phrase in english.phrases(definition) if (key := term_key(phrase)) in names]


def _rivals(entry: Entry) -> tuple[Definition, ...]:
    chosen = next((known for known in entry.definitions if known.text == entry.definition), None)
    if chosen is None:
        return entry.definitions[:2]
    return tuple(rivals_of([chosen, *(known for known in entry.definitions if known != chosen)]))
