"""Finds the documents below a directory and cuts each into blocks of text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

SUFFIXES: Final = (".md", ".txt")
MAX_BYTES: Final = 1024 * 1024
# In plain text an indented line is text, not code.
_PARSER: Final = MarkdownIt("commonmark").enable("table").disable("code")
_WRAPPED_JAPANESE: Final = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])\n(?=[\u3000-\u9fff\uff00-\uffef])")


class DocumentsUnusable(Exception):
    """There is nothing to read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, a list item or a table row, without its markup. `line` counts from 1.

    `marked` are the phrases in bold, italics or code. A table row has `cells`, and its table's `header`.
    """

    text: str
    line: int
    marked: tuple[str, ...] = ()
    is_heading: bool = False
    cells: tuple[str, ...] = ()
    header: tuple[str, ...] = ()


def find_documents(root: Path) -> list[str]:
    """The names of all documents below `root`, sorted. Skips hidden ones and names that cannot be printed."""
    paths = [path.relative_to(root) for path in root.rglob("*") if path.suffix in SUFFIXES and path.is_file()]
    visible = [path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)]
    names = sorted(name for name in visible if name.isprintable())
    if not names:
        raise DocumentsUnusable(f"{root} contains no documents ({', '.join(SUFFIXES)}).")
    return names


def select(names: Sequence[str], wanted: str) -> list[str]:
    """The documents that `wanted` names: files or directories, separated by commas. An empty string selects all."""
    chosen: set[str] = set()
    for request in (part.strip().strip("/") for part in wanted.split(",") if part.strip()):
        found = {name for name in names if name == request or name.startswith(f"{request}/")}
        if not found:
            raise DocumentsUnusable(f"documents={wanted}: no document or directory is called {request!r}.")
        chosen |= found
    return sorted(chosen or names)


def read_blocks(path: Path, *, max_bytes: int = MAX_BYTES) -> list[Block]:
    """Parse a document. Raises DocumentsUnusable if it is too large or unreadable."""
    try:
        if path.stat().st_size > max_bytes:
            raise DocumentsUnusable(f"{path.name} is larger than {max_bytes} bytes.")
        return _parse(path.read_text(encoding="utf-8-sig", errors="replace"))
    except OSError as error:
        raise DocumentsUnusable(f"{path.name} is unreadable: {error.strerror}.") from None


def _parse(text: str) -> list[Block]:
    blocks: list[Block] = []
    header: tuple[str, ...] = ()
    cells: list[str] = []
    marked: list[str] = []
    line = 1
    parent = ""
    for token in _PARSER.parse(text):
        line = token.map[0] + 1 if token.map else line
        match token.type:
            case "table_open":
                header = ()
            case "tr_open":
                cells, marked = [], []
            case "thead_close":
                header = tuple(cells)
            case "tr_close" if header:
                blocks.append(Block(" ".join(cells), line, tuple(marked), cells=tuple(cells), header=header))
            case "inline":
                text, phrases = _flatten(token)
                if parent in {"th_open", "td_open"}:
                    cells.append(text)
                    marked += phrases
                else:
                    blocks.append(Block(text, line, phrases, is_heading=parent == "heading_open"))
        parent = token.type
    return blocks


def _flatten(inline: Token) -> tuple[str, tuple[str, ...]]:
    """An inline token's text as a reader sees it, and its marked phrases."""
    text, marked, begins = "", [], []
    for child in inline.children or []:
        match child.type:
            case "text":
                text += child.content
            case "softbreak" | "hardbreak":
                text += "\n"
            case "code_inline":
                text += child.content
                marked.append(child.content)
            case "strong_open" | "em_open":
                begins.append(len(text))
            case "strong_close" | "em_close":
                marked.append(text[begins.pop() :])
    return _on_one_line(text), tuple(_on_one_line(phrase) for phrase in marked)


def _on_one_line(text: str) -> str:
    """Line breaks become spaces, or nothing between Japanese characters."""
    return _WRAPPED_JAPANESE.sub("", text.strip()).replace("\n", " ")
