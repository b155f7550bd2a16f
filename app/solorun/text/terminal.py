"""What a terminal shows of a line of output: text may be written over, erased and moved to, all else has no effect.

`tests/terminal_lines.json` has the cases that the dashboard's parser shares.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final
from unicodedata import category, east_asian_width

WIDTH: Final = 120
"""The columns of the terminal. Only moves of the cursor stop there: longer lines do not wrap."""

_MAX_PENDING: Final = 4096
"""The longest part of an escape sequence that is kept until the rest of it arrives."""
_MAX_PENS: Final = 32
"""How many colours and styles add up. The limit bounds the output."""
_MAX_ACCENTS: Final = 32
"""How many characters share a cell. The limit bounds the line."""
_TAB: Final = 8
_RESET: Final = "\x1b[0m"
# By ECMA-48. The parts that may be missing at the end of a text complete the sequence when more text arrives.
_CONTROL: Final = re.compile(
    r"""
      (?: \x1b\[ | \x9b ) (?P<parameters> [0-?]* ) (?P<intermediates> [\ -/]* ) (?P<final> [@-~]? )      # CSI
    | (?: \x1b[\]PX^_] | [\x90\x98\x9d-\x9f] ) [^\x07\x1b\x9c]* (?P<end> \x07 | \x1b\\ | \x9c | (?=\x1b.) )?  # OSC etc.
    | \x1b [\ -/]* (?P<escape> [0-~]? )
    | (?P<c0> [\r\b] | [\x00-\x07\x0a-\x0c\x0e-\x1a\x1c-\x1f\x7f-\x8f\x91-\x97\x99\x9a\x9c]+ )  # a run has no effect
    """,
    re.VERBOSE | re.DOTALL,
)

_strip_colours: Final = re.compile(r"\x1b\[[0-9;:]*m").sub
# Without effect: at the start of a line, and, as long as the cursor has not moved, at the end of its text.
_strip_start: Final = re.compile(r"\A(?:\r|\x1b\[(?:[0-2]?K|[01]?G))+").sub
_strip_erasures: Final = re.compile(r"\x1b\[0?K").sub
_strip_idle: Final = re.compile(r"\x1b\[(?:[0-9;:]*m|0?K)").sub
_has_control: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]").search

_Pen = tuple[str, ...]


def visible_text(text: str, *, colour: bool = False) -> str:
    """The text of a whole line. With `colour`, colours and styles (SGR) are kept, and followed by a reset."""
    if not _has_control(text):
        return text
    text = _strip_start("", text).rstrip("\r")
    if not _has_control(text):
        return text
    plain = _strip_idle("", text)
    if not _has_control(plain):  # Nothing but colours, as in most lines that have any.
        return _strip_erasures("", text) + _RESET if colour else plain
    plain = _strip_colours("", text)
    if not colour and not _has_control(narrow := plain.replace("\r", "")) and _is_narrow(narrow):
        shown = ""  # Nothing but carriage returns, as in most bars.
        for part in plain.split("\r"):
            shown = part + shown[len(part) :]
        return shown
    line = TerminalLine(colour=colour)
    line.write(text)
    return line.text


class TerminalLine:
    """One line as it is written, in pieces that may be cut anywhere. The length is in columns."""

    def __init__(self, *, colour: bool = False) -> None:
        self._colour = colour
        self._cells: list[str] = []
        """One per column: a character with its accents, or empty in the further columns of a wide one or a tab."""
        self._pens: list[_Pen] = []
        self._pen: _Pen = ()
        self._column = 0
        self._pending = ""

    def __len__(self) -> int:
        return len(self._cells)

    @property
    def text(self) -> str:
        if not self._colour:
            return "".join(self._cells)
        parts: list[str] = []
        last: _Pen = ()
        for pen, cells in groupby(zip(self._pens, self._cells, strict=True), key=itemgetter(0)):
            parts += [_RESET if last else "", *pen, *(cell for _, cell in cells)]
            last = pen
        return "".join(parts) + (_RESET if last else "")

    def write(self, text: str) -> None:
        text, self._pending = self._pending + text, ""
        at = 0
        for found in _CONTROL.finditer(text):
            self._put(text[at : found.start()])
            at = found.end()
            if at == len(text) and not (found["final"] or found["end"] or found["escape"] or found["c0"]):
                self._pending = found[0] if len(found[0]) <= _MAX_PENDING else ""
            elif found["c0"] is not None:
                self._obey(found["c0"])
            elif found["final"] and not found["intermediates"]:
                self._obey_sequence(found["final"], found["parameters"])
        self._put(text[at:])

    def _put(self, text: str) -> None:
        if not text:
            return
        if _is_narrow(text):
            self._place(text)
            return
        for width, run in groupby(text, {char: _width(char) for char in set(text)}.__getitem__):
            if width == 0:
                self._attach("".join(run))
            elif width == 1:
                self._place(list(run))
            elif width == 2:
                self._place([cell for char in run for cell in (char, "")])
            else:
                self._move_to_stops(len(list(run)))

    def _place(self, cells: Sequence[str]) -> None:
        self._pad(self._column)
        end = self._column + len(cells)
        self._split(self._column)
        self._split(end)
        self._cells[self._column : end] = cells
        self._pens[self._column : end] = [self._pen] * len(cells)
        self._column = end

    def _attach(self, accents: str) -> None:
        self._pad(self._column)
        at = self._column - 1
        while at > 0 and not self._cells[at]:
            at -= 1
        if at < 0:
            self._place([accents[:_MAX_ACCENTS]])
        else:
            self._cells[at] = (self._cells[at] + accents)[:_MAX_ACCENTS]

    def _move_to_stops(self, count: int) -> None:
        """A tab writes nothing over text. It is kept where it ends the line."""
        for _ in range(count):
            missing = _TAB - self._column % _TAB
            if self._column < len(self._cells):
                self._column += missing
            else:
                self._place(["\t", *[""] * (missing - 1)])

    def _split(self, column: int) -> None:
        """Replace a wide character or a tab on both sides of the column by spaces."""
        if self._cells[column : column + 1] != [""]:
            return
        start, end = column - 1, column + 1
        while not self._cells[start]:
            start -= 1
        while self._cells[end : end + 1] == [""]:
            end += 1
        self._cells[start:end] = " " * (end - start)

    def _pad(self, length: int) -> None:
        missing = length - len(self._cells)
        self._cells += " " * missing
        self._pens += [()] * missing

    def _obey(self, control: str) -> None:
        if control == "\r":
            self._column = 0
        elif control == "\b":
            self._column = max(0, self._column - 1)

    def _obey_sequence(self, final: str, parameters: str) -> None:
        if final == "m":
            self._change_pen(parameters)
            return
        if parameters and not (parameters.isdecimal() and len(parameters) < 10):
            return
        number = int(parameters or 0)
        if final == "K" or (final == "J" and number == 0):
            self._erase(number)
            return
        last = max(WIDTH, len(self._cells)) - 1
        if final == "G":
            self._column = min(max(number, 1) - 1, last)
        elif final == "C":
            self._column = max(self._column, min(self._column + max(number, 1), last))
        elif final == "D":
            self._column = max(0, self._column - max(number, 1))

    def _change_pen(self, parameters: str) -> None:
        # A private prefix changes what the sequence means.
        if not self._colour or parameters.strip("0123456789;:"):
            return
        kept = () if parameters.startswith(("0;", ";")) else self._pen
        self._pen = (*kept, f"\x1b[{parameters}m")[-_MAX_PENS:] if parameters.strip("0") else ()

    def _erase(self, part: int) -> None:
        """Erase from the cursor to the end (0), from the start up to and with the cursor (1), or all of it (2)."""
        if part == 1:
            end = min(self._column + 1, len(self._cells))
            self._split(end)
            self._cells[:end] = " " * end
            self._pens[:end] = [()] * end
        elif part in (0, 2):
            start = self._column if part == 0 else 0
            self._split(start)
            del self._cells[start:]
            del self._pens[start:]


class RawLine(TerminalLine):
    """A line in which control characters are text like any other."""

    def write(self, text: str) -> None:
        self._place(text)


def _is_narrow(text: str) -> bool:
    return "\t" not in text if text.isascii() else all(_width(char) == 1 for char in set(text))


def _width(char: str) -> int:
    """The columns of a character, 0 for an accent or another character that has none, or -1 for a tab."""
    if char == "\t":
        return -1
    if char.isascii() or char == "\xad":
        return 1
    kind = category(char)
    # Python reports unassigned characters as F.
    return 0 if kind in ("Mn", "Me", "Cf") else 2 if kind != "Cn" and east_asian_width(char) in "WF" else 1
