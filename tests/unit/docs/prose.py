"""Extracts what people read from a file: a page without its generated blocks, the comments and strings of source code.

Everything else becomes filler of the same length, which keeps offsets and line numbers.
"""

import re
import tokenize
from io import StringIO
from pathlib import Path
from typing import Final

from tests.unit.docs.pages import without_generated_blocks

FILLER: Final = "\0"
"""Stands for code. It is neither a word nor white space, so no phrase spans it."""

_PROSE_TOKENS: Final = frozenset(
    {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
)
_STRING_EDGE: Final = re.compile(r"^[A-Za-z]*(?:\"\"\"|'''|\"|')|(?:\"\"\"|'''|\"|')$")
_COMMENT_EDGE: Final = re.compile(r"^[ \t]*(?:#|--|//|/?\*+|<!--)", re.M)


def read_prose(path: Path) -> str:
    """The prose of a page or a source file. Python is tokenized; of other source files, the whole text is returned."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return without_generated_blocks(text)
    if path.suffix == ".py":
        return _python_prose(text)
    return _COMMENT_EDGE.sub(_blank, text)


def _python_prose(text: str) -> str:
    """Comments and strings. Their markers become spaces, so that a phrase may continue on the next line."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    prose = re.sub(r"\S", FILLER, text)
    for token in tokenize.generate_tokens(StringIO(text).readline):
        if token.type not in _PROSE_TOKENS:
            continue
        begin, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        edge = _COMMENT_EDGE if token.type == tokenize.COMMENT else _STRING_EDGE
        shown = edge.sub(_blank, text[begin:end])
        prose = prose[:begin] + shown + prose[end:]
    return prose


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
