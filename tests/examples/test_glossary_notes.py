"""A reader's notes are read from both places, joined, and never lost or overwritten."""

from pathlib import Path

import pytest

from solorun_examples.glossary.notes import NotesUnusable, read_notes


def test_notes_of_both_places_and_both_forms_are_joined(tmp_path: Path) -> None:
    (tmp_path / "glossary-notes.md").write_text("before any heading\n\n## Log files\nOne.\n\n# `empty`\n\n")
    (tmp_path / "notes.json").write_text('{"log file": "Two.", "光害": "三つ。", " ": "no term", "x": " "}')

    assert read_notes(tmp_path, tmp_path) == {"logfile": ("Log files", "One.\n\nTwo."), "光害": ("光害", "三つ。")}


def test_no_notes_are_no_fault(tmp_path: Path) -> None:
    assert read_notes(tmp_path, tmp_path / "absent") == {}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("notes.json", b"{", "notes.json are not JSON"),
        ("notes.json", b"[]", "must be an object of terms and texts"),
        ("notes.json", b'{"a": 1}', "must be an object of terms and texts"),
        ("notes.md", b"\xff", "notes.md cannot be read"),
    ],
)
def test_notes_that_cannot_be_read_are_named(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(NotesUnusable, match=complaint):
        read_notes(tmp_path, tmp_path)


def test_a_directory_in_place_of_notes_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.md").mkdir()

    with pytest.raises(NotesUnusable, match=r"notes\.md cannot be read"):
        read_notes(tmp_path, tmp_path)
