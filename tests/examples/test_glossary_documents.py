"""Documents are found in a fixed order, within limits, and nothing outside their directory is read."""

from pathlib import Path

import pytest

from solorun_examples.glossary import documents
from solorun_examples.glossary.documents import DocumentsUnusable, find_documents, narrow, read_document


def test_markdown_and_text_are_found_sorted_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        "b.md",
        "a.txt",
        "sub/c.MD",
        ".hidden.md",
        ".git/x.md",
        "node_modules/x.md",
        "x.py",
        "glossary-notes.md",
        "line\nend.md",
        "\udcff.md",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")

    assert find_documents(tmp_path) == ["a.txt", "b.md", "sub/c.MD"]


def test_a_link_out_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    root = tmp_path / "documents"
    root.mkdir()
    (root / "own.md").write_text("own")
    (root / "linked.md").symlink_to(tmp_path / "secret.md")

    assert find_documents(root) == ["own.md"]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentsUnusable, match=r"There is no directory .*absent"):
        find_documents(tmp_path / "absent")


def test_an_empty_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentsUnusable, match="There are no documents"):
        find_documents(tmp_path)


def test_too_many_documents_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.md").write_text("a")
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", 0)

    with pytest.raises(DocumentsUnusable, match="at most 0 are read"):
        find_documents(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("", ["a.md", "sub/b.md", "sub/c.md"]),
        (".", ["a.md", "sub/b.md", "sub/c.md"]),
        ("sub", ["sub/b.md", "sub/c.md"]),
        ("./sub/", ["sub/b.md", "sub/c.md"]),
        (" sub/c.md , a.md,", ["a.md", "sub/c.md"]),
    ],
)
def test_names_and_directories_narrow_the_documents(wanted: str, chosen: list[str]) -> None:
    assert narrow(["a.md", "sub/b.md", "sub/c.md"], wanted) == chosen


@pytest.mark.parametrize("wanted", ["absent.md", "../a.md", "/etc/passwd", "su", "a.md,absent"])
def test_what_is_no_document_is_refused(wanted: str) -> None:
    with pytest.raises(DocumentsUnusable, match="there is no document and no directory"):
        narrow(["a.md", "sub/b.md"], wanted)


def test_bytes_that_are_not_utf8_do_not_stop_the_reading(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbfA caf\xe9 is a place.")

    document = read_document(tmp_path, "a.md")

    assert [block.text for block in document.blocks] == ["A caf\ufffd is a place."]


def test_a_document_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.md").write_text("12345")
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", 4)

    with pytest.raises(DocumentsUnusable, match=r"a\.md has 5 bytes; at most 4 are read"):
        read_document(tmp_path, "a.md")


def test_a_document_that_cannot_be_read_is_named(tmp_path: Path) -> None:

    with pytest.raises(DocumentsUnusable, match=r"gone\.md cannot be read: No such file"):
        read_document(tmp_path, "gone.md")
