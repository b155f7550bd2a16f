"""Finds and reads the documents: Markdown and text below one directory, in a fixed order, within limits."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from solorun_examples.glossary.markdown import Block, Shape, parse_markdown, parse_text
from solorun_examples.glossary.notes import NOTE_FILES

MARKDOWN: Final = frozenset({".md", ".markdown", ".mdown"})
SUFFIXES: Final = MARKDOWN | {".txt", ".text"}
MAX_DOCUMENTS: Final = 5_000
MAX_DOCUMENT_BYTES: Final = 4 * 1024 * 1024
_IGNORED: Final = frozenset({"node_modules", "__pycache__", "site-packages"})
_GLOSSARY: Final = re.compile(r"glossary|terminology|terms|vocabulary|用語|words", re.IGNORECASE)


class DocumentsUnusable(Exception):
    """There is nothing to read: the sentence says where it was looked for."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as read. `name` is its path below the documents' directory, with `/`."""

    name: str
    blocks: tuple[Block, ...]

    def is_glossary(self, block: Block) -> bool:
        """Whether the block stands where words are explained: what is said there is the master."""
        return is_about_words(Path(self.name).stem) or is_about_words(block.heading)


def is_about_words(title: str) -> bool:
    """Whether a title is that of a place where words are explained."""
    return _GLOSSARY.search(title) is not None


def find_documents(root: Path) -> list[str]:
    """The names of all documents below `root`, sorted.

    Hidden ones, notes, links that lead outside, and names that are not text are left out.
    """
    if not root.is_dir():
        raise DocumentsUnusable(f"There is no directory {root}: name one with documents in GLOSSARY_DOCUMENTS.")
    resolved = root.resolve()
    below = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES}
    names = sorted(
        name
        for name, path in below.items()
        if not any(part.startswith(".") or part in _IGNORED for part in name.split("/"))
        and name not in NOTE_FILES
        and name.isprintable()
        and path.is_file()
        and path.resolve().is_relative_to(resolved)
    )
    if not names:
        raise DocumentsUnusable(f"There are no documents ({', '.join(sorted(SUFFIXES))}) in {root}.")
    if len(names) > MAX_DOCUMENTS:
        raise DocumentsUnusable(f"There are {len(names)} documents in {root}; at most {MAX_DOCUMENTS} are read.")
    return names


def narrow(names: list[str], wanted: str) -> list[str]:
    """Those of `names` that `wanted` asks for: document names or directories, separated by commas. "" asks for all."""
    requests = [part.strip().strip("/").removeprefix("./") for part in wanted.split(",") if part.strip()]
    chosen: set[str] = set()
    for request in requests:
        found = [name for name in names if name == request or name.startswith(f"{request}/") or request == "."]
        if not found:
            raise DocumentsUnusable(f"documents={wanted}: there is no document and no directory {request!r}.")
        chosen.update(found)
    return sorted(chosen) if requests else names


def read_document(root: Path, name: str) -> Document:
    """Raises DocumentsUnusable for a document that is too large or cannot be read."""
    path = root / name
    try:
        size = path.stat().st_size
        if size > MAX_DOCUMENT_BYTES:
            raise DocumentsUnusable(f"{name} has {size} bytes; at most {MAX_DOCUMENT_BYTES} are read.")
        content = path.read_bytes()
    except OSError as error:
        raise DocumentsUnusable(f"{name} cannot be read: {error.strerror}.") from None
    text = content.decode("utf-8-sig", errors="replace")
    parse = parse_markdown if path.suffix.lower() in MARKDOWN else parse_text
    return Document(name, tuple(parse(text)))


__all__ = [
    "Block",
    "Document",
    "DocumentsUnusable",
    "Shape",
    "find_documents",
    "is_about_words",
    "narrow",
    "read_document",
]
