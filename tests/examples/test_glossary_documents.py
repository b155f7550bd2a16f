"""Finding documents, selecting some of them, and parsing them into blocks."""

from pathlib import Path

import pytest

from solorun_examples.glossary.documents import MAX_BYTES, Block, DocumentsUnusable, find_documents, read_blocks, select

NAMES = ["a.md", "sub/b.md", "sub/deep/c.txt", "subway.md"]


def read(tmp_path: Path, text: str, name: str = "a.md", *, max_bytes: int = MAX_BYTES) -> list[Block]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_blocks(tmp_path / name, max_bytes=max_bytes)


def test_documents_are_found_in_order_without_hidden_and_other_files(tmp_path: Path) -> None:
    for name in (*reversed(NAMES), ".hidden.md", ".git/d.md", "picture.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert find_documents(tmp_path) == NAMES


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("", NAMES), ("sub", NAMES[1:3]), ("sub/deep/, a.md", ["a.md", "sub/deep/c.txt"])],
)
def test_a_selection_names_documents_or_directories(wanted: str, expected: list[str]) -> None:
    assert select(NAMES, wanted) == expected


def test_an_unknown_selection_is_refused() -> None:
    with pytest.raises(DocumentsUnusable, match="no document or directory is called 'su'"):
        select(NAMES, "a.md,su")


def test_markdown_becomes_blocks_with_line_numbers(tmp_path: Path) -> None:
    text = "# A *head*\n\nSome **bold\ntext** and `code`.\n\n- an item\n\n```\nskipped\n```\n"

    assert read(tmp_path, text) == [
        Block("A head", 1, ("head",), is_heading=True),
        Block("Some bold text and code.", 3, ("bold text", "code")),
        Block("an item", 6),
    ]


def test_table_rows_know_their_header(tmp_path: Path) -> None:
    blocks = read(tmp_path, "| term | meaning |\n|---|---|\n| **sun** | a star |\n")

    assert blocks == [Block("sun a star", 3, ("sun",), cells=("sun", "a star"), header=("term", "meaning"))]


def test_wrapped_japanese_lines_are_joined_without_a_space(tmp_path: Path) -> None:
    assert read(tmp_path, "暗い場所に目が\n慣れること\n")[0].text == "暗い場所に目が慣れること"


def test_a_document_that_is_missing_or_too_large_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(DocumentsUnusable, match=r"a\.md is unreadable: No such file"):
        read_blocks(tmp_path / "a.md")
    with pytest.raises(DocumentsUnusable, match=r"a\.md is larger than 3 bytes"):
        read(tmp_path, "four", max_bytes=3)
