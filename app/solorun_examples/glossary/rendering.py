"""Writes the glossary for readers that are people: Markdown, alphabetical, with sources and cross-references."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from solorun_examples.glossary.english import singular
from solorun_examples.glossary.entries import GlossaryEntry, Origin

_SPECIAL: Final = re.compile(r"[\\`*<>|\[\]]|(?<!\w)_|_(?!\w)|^[#+-](?=\s)|^\d+[.)](?=\s)|&(?=#?\w+;)", re.MULTILINE)
_MARKS: Final = {
    "conflicting": "The documents do not agree on this term.",
    "circular": "This term and another are explained by each other.",
    "unclear": "The review finds this definition unclear.",
}


def render(entries: Sequence[GlossaryEntry], documents: Sequence[str], notes: Mapping[str, str]) -> str:
    """The whole page. `notes` are those on terms that have no entry: a reader's words are never lost."""
    parts = ["# Glossary", _introduction(len(entries), len(documents))]
    if entries:
        anchors = _anchors(entries)
        parts.append(" · ".join(f"[{escape(entry.term)}](#{anchors[entry.term]})" for entry in entries))
        parts += [_entry(entry, anchors) for entry in entries]
    if notes:
        parts.append("## Notes on other terms")
        parts += [f"**{escape(term)}**: {note}" for term, note in notes.items()]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text as Markdown that shows exactly it."""
    return _SPECIAL.sub(lambda match: f"{match.group()[:-1]}\\{match.group()[-1]}", text)


def _introduction(entries: int, documents: int) -> str:
    terms = "1 term" if entries == 1 else f"{entries} terms"
    return f"{terms} from {'1 document' if documents == 1 else f'{documents} documents'}."


def _entry(entry: GlossaryEntry, anchors: Mapping[str, str]) -> str:
    parts = [f"## {escape(entry.term)}", escape(entry.definition)]
    parts += [f"> {_MARKS[mark]}" for mark in entry.marks if mark in _MARKS]
    parts += [f"> Elsewhere: {escape(rival.text)} ({escape(str(rival.source))})" for rival in entry.rivals]
    if entry.note:
        parts.append(f"Note: {entry.note}")
    shown = [alias for alias in entry.aliases if _differs(alias, entry.term)]
    facts = [f"Also: {escape(', '.join(shown))}."] if shown else []
    if entry.see_also:
        facts.append(f"See also: {', '.join(f'[{escape(term)}](#{anchors[term]})' for term in entry.see_also)}.")
    if entry.sources:
        worded = " (worded by a model)" if entry.origin is Origin.MODEL else ""
        facts.append(f"Source: {escape(', '.join(map(str, entry.sources)))}{worded}.")
    return "\n\n".join([*parts, " ".join(facts)] if facts else parts)


def _differs(alias: str, term: str) -> bool:
    """Whether a reader learns something from the other spelling: a capital or a plural says nothing."""
    return singular(alias.casefold()) != singular(term.casefold())


def _anchors(entries: Sequence[GlossaryEntry]) -> dict[str, str]:
    """The anchors that Markdown renderers give to the headings: GitHub's rule."""
    anchors: dict[str, str] = {}
    taken: dict[str, int] = {"glossary": 1, "notes-on-other-terms": 1}
    for entry in entries:
        slug = "".join(
            "-" if character == " " else character
            for character in entry.term.lower()
            if character in " -_" or unicodedata.category(character)[0] in "LNM"
        )
        repeated = taken.get(slug, 0)
        taken[slug] = repeated + 1
        anchors[entry.term] = f"{slug}-{repeated}" if repeated else slug
    return anchors
