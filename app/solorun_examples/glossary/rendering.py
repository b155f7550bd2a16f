"""Renders the glossary as Markdown: a section for each term, with sources and cross-references."""

import re
from collections.abc import Sequence
from typing import Final

from solorun_examples.glossary.models import Entry

_SPECIAL: Final = re.compile(r"[\\`*_<>|\[\]#]")
_NOT_IN_ANCHOR: Final = re.compile(r"[^\w -]")


def render(entries: Sequence[Entry]) -> str:
    parts = ["# Glossary"]
    if entries:
        parts.append(" · ".join(_link(entry.term) for entry in entries))
    for entry in entries:
        parts += [f"## {_escape(entry.term)}", _escape(entry.definitions[0].text)]
        parts += [f"> Elsewhere: {_escape(rival.text)} ({_escape(rival.source)})" for rival in entry.rivals]
        facts = [f"Also: {_escape(', '.join(entry.aliases))}."] if entry.aliases else []
        facts += [f"See also: {', '.join(map(_link, entry.see_also))}."] if entry.see_also else []
        sources = dict.fromkeys(definition.source for definition in entry.definitions)
        parts.append(" ".join([*facts, f"Source: {_escape(', '.join(sources))}."]))
    return "\n\n".join(parts) + "\n"


def _link(term: str) -> str:
    """A link to the term's heading, whose anchor follows GitHub's rule."""
    anchor = _NOT_IN_ANCHOR.sub("", term.lower()).replace(" ", "-")
    return f"[{_escape(term)}](#{anchor})"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
