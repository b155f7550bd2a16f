"""Markdown as far as a glossary needs it: blocks with their lines, text without its marks. Code blocks are left out."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MAX_BLOCK_LENGTH: Final = 20_000
"""The rest of a longer paragraph is left out: it is data, and patterns would search it for minutes."""


class Shape(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    ROW = "row"
    DEFINITION = "definition"  # a definition list's meaning; its term is in `cells`


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of text. `text` keeps its marks and line ends; `line` is where it begins, from 1.

    `cells` are a row's, `header` its table's; `heading` is the last heading above.
    """

    shape: Shape
    line: int
    text: str
    heading: str = ""
    cells: tuple[str, ...] = ()
    header: tuple[str, ...] = ()


_FENCE: Final = re.compile(r"\s*(?:[-*+]\s+|\d+[.)]\s+)?(`{3,}|~{3,})")
_ATX: Final = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_SETEXT: Final = re.compile(r" {0,3}(=+|-{2,})\s*$")
_ITEM: Final = re.compile(r"(\s*)(?:[-*+•・]|\d{1,9}[.)])\s+(?=\S)")
_RULE: Final = re.compile(r" {0,3}([-*_])\s*(?:\1\s*){2,}$")
_DELIMITER: Final = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_SKIPPED: Final = re.compile(r"\s*(?:\[[^\]]+\]:\s|<[/a-zA-Z!?][^>]*>\s*$|!!!|\?\?\?|:::|={3}\s|\[![A-Z]+\]\s*$|\{%)")
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT_MATTER: Final = re.compile(r"\A---\s*\n.*?\n(?:---|\.\.\.)\s*(?:\n|\Z)", re.DOTALL)
_QUOTE: Final = re.compile(r"^ {0,3}(?:> ?)+")
_MEANING: Final = re.compile(r" {0,3}:\s+(?=\S)")


def parse_text(text: str) -> list[Block]:
    """The blocks of a plain text: as Markdown, but indented lines are text."""
    return parse_markdown("\n".join(line.lstrip() for line in text.splitlines()))


def parse_markdown(text: str) -> list[Block]:
    return list(_Parser(_without(_COMMENT, _without(_FRONT_MATTER, text))).blocks())


def _without(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: "\n" * match.group().count("\n"), text)


@dataclass(slots=True)
class _Parser:
    text: str
    heading: str = ""
    shape: Shape = Shape.PARAGRAPH
    begin: int = 0
    lines: list[str] = field(default_factory=list)
    term: str = ""

    def blocks(self) -> Iterator[Block]:
        lines = self.text.expandtabs(4).splitlines()
        source = [*(_QUOTE.sub("", line[:MAX_BLOCK_LENGTH]) for line in lines), ""]
        fence, in_list, opened = "", False, ""
        header: tuple[str, ...] = ()
        for number, line in enumerate(source[:-1], start=1):
            opening = _FENCE.match(line)
            if fence:
                closes = opening is not None and opening[1].startswith(fence) and not line.strip(" `~")
                fence = "" if closes else fence
            elif opening:
                yield from self._flush()
                fence = opening[1]
            elif not line.strip():
                yield from self._flush()
                header = ()
            elif header or ("|" in line and _DELIMITER.match(source[number]) and "|" in source[number]):
                yield from self._flush()
                cells = split_cells(line)
                if not header:
                    header = cells
                elif not _DELIMITER.match(line):
                    yield Block(Shape.ROW, number, line, self.heading, cells, header)
            elif heading := _ATX.match(line):
                yield from self._flush()
                self.heading, in_list, opened = plain(heading[2]), False, ""
                yield Block(Shape.HEADING, number, heading[2], self.heading)
            elif _SETEXT.match(line) and len(self.lines) == 1 and self.shape is Shape.PARAGRAPH:
                title, in_list = self.lines.pop(), False
                self.heading = plain(title)
                yield Block(Shape.HEADING, self.begin, title, self.heading)
            elif _RULE.match(line) or _SKIPPED.match(line):
                yield from self._flush()
            elif meaning := _MEANING.match(line):
                if self.shape is Shape.PARAGRAPH and len(self.lines) == 1:
                    self.lines.clear()
                yield from self._flush()
                self._open(Shape.DEFINITION, number, line[meaning.end() :])
                self.term = opened
            elif item := _ITEM.match(line):
                yield from self._flush()
                in_list = True
                self._open(Shape.ITEM, number, line[item.end() :])
            elif self.lines:
                self.lines.append(line.strip())
            elif in_list or not line.startswith("    "):
                in_list, opened = in_list and line.startswith(" "), line.strip()
                self._open(Shape.PARAGRAPH, number, line.strip())
        yield from self._flush()

    def _open(self, shape: Shape, number: int, line: str) -> None:
        self.shape, self.begin, self.lines = shape, number, [line.strip()]

    def _flush(self) -> Iterator[Block]:
        if self.lines:
            cells = (self.term,) if self.shape is Shape.DEFINITION else ()
            text = "\n".join(self.lines)[:MAX_BLOCK_LENGTH]
            yield Block(self.shape, self.begin, text, self.heading, cells)
        self.lines, self.term = [], ""


def split_cells(line: str) -> tuple[str, ...]:
    """A table row's cells; a bar in code or behind a backslash separates nothing."""
    guarded = re.sub(r"`[^`]*`", lambda match: match.group().replace("|", "\x00"), line.strip()).replace("\\|", "\x00")
    cells = guarded.removeprefix("|").removesuffix("|").split("|")
    return tuple(cell.strip().replace("\x00", "|") for cell in cells)


CODE: Final = re.compile(r"(?<![`\\])(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
BOLD: Final = re.compile(r"(?<!\\)(\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_IMAGE: Final = re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])")
_LINK: Final = re.compile(r"\[([^\[\]]+)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])")
_FOOTNOTE: Final = re.compile(r"\[\^[^\]]+\]")
_AUTOLINK: Final = re.compile(r"<(?:https?|mailto):[^>\s]*>")
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")
_EMPHASIS: Final = re.compile(r"(?<![\w*\\])([*_])(?=[^\s*_])(.+?)(?<=[^\s*_\\])\1(?![\w*])", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_ROLE: Final = re.compile(r"(?<!\w)(?:\{[\w:+-]+\}|:[\w:+-]+:)(?=`)")  # {py:class}`Run`, :class:`Run`
_PARKED: Final = re.compile("\ue000(\\d+)\ue001")


def plain(text: str) -> str:
    """Inline Markdown as a reader sees it; line ends stay."""
    text = _ROLE.sub("", text)
    parked: list[str] = []

    def park(content: str) -> str:
        parked.append(content)
        return f"\ue000{len(parked) - 1}\ue001"

    text = CODE.sub(lambda match: park(match[2].strip()), text)
    text = _ESCAPE.sub(lambda match: park(match[1]), text)
    text = _FOOTNOTE.sub("", _IMAGE.sub("", text))
    text = _AUTOLINK.sub("", _LINK.sub(r"\1", text))
    text = BOLD.sub(r"\2", _TAG.sub("", text))
    text = html.unescape(_EMPHASIS.sub(r"\2", text).replace("~~", ""))
    return _PARKED.sub(lambda match: parked[int(match[1])], text).strip()
