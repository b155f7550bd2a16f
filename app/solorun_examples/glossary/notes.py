"""The reader's own notes on terms: read from the workspace and from beside the documents, never written."""

import json
import re
from pathlib import Path
from typing import Final

from solorun_examples.glossary.markdown import plain
from solorun_examples.glossary.terms import term_key

WORKSPACE_FILES: Final = ("notes.md", "notes.json")
NOTE_FILES: Final = ("glossary-notes.md", "glossary-notes.json")
"""Their names beside the documents, where notes.md may well be a document."""

_HEADING: Final = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")


class NotesUnusable(Exception):
    """A file of notes cannot be read: it is named, and nothing is overwritten."""


def read_notes(workspace: Path, documents: Path) -> dict[str, tuple[str, str]]:
    """Notes by the key of their term: (term, text). What stands in the workspace comes after what stands beside
    the documents.

    In `.md` a heading is a term and the text below it the note; `.json` is an object of terms and notes.
    """
    notes: dict[str, tuple[str, str]] = {}
    for path in [*(documents / name for name in NOTE_FILES), *(workspace / name for name in WORKSPACE_FILES)]:
        for term, text in _read(path).items():
            key = term_key(term)
            known = notes.get(key)
            notes[key] = (known[0], f"{known[1]}\n\n{text}") if known else (term, text)
    return notes


def _read(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise NotesUnusable(f"The notes in {path.name} cannot be read: {error}.") from None
    found = _from_json(path, text) if path.suffix == ".json" else _from_markdown(text)
    return {term.strip(): note.strip() for term, note in found.items() if term.strip() and note.strip()}


def _from_json(path: Path, text: str) -> dict[str, str]:
    try:
        notes = json.loads(text)
    except ValueError as error:
        raise NotesUnusable(f"The notes in {path.name} are not JSON: {error}.") from None
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise NotesUnusable(f"The notes in {path.name} must be an object of terms and texts.")
    return notes


def _from_markdown(text: str) -> dict[str, str]:
    notes: dict[str, str] = {}
    term = ""
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            term = plain(heading[1])
        elif term:
            notes[term] = f"{notes.get(term, '')}{line}\n"
    return notes
