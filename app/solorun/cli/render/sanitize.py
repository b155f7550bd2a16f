"""Makes untrusted text safe for a terminal: a log can contain anything that a step printed.

An escape sequence can rewrite earlier lines, set the clipboard or make the terminal type. Only colours and styles (SGR)
are kept, and only on a terminal. Bidirectional controls can show the characters of a line in another order than they
have; they are replaced by visible marks.
"""

import re
from typing import Final

BIDIRECTIONAL_CONTROLS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""The characters with Unicode's property Bidi_Control, for a set in a regular expression."""

_CONTROL: Final = re.compile(
    rf"""
      (?P<sgr> \x1b\[ [0-9;:]* m )                            # colours and styles
    | (?: \x1b\[ | \x9b ) [0-?]* [\ -/]* [@-~]?                # any other CSI: cursor, screen, modes
    | (?: \x1b[\]PX^_] | [\x90\x98\x9d\x9e\x9f] )              # OSC, DCS, SOS, PM, APC: a string, up to its end ...
      [^\x07\x1b\x9c]* (?: \x07 | \x1b\\ | \x9c | (?=\x1b) | $ )
    | \x1b [\ -/]* [0-~]?                                      # other escapes: charsets, resets
    | [\x00-\x08\x0b-\x1f\x7f-\x9f]                            # C0 but TAB and LF, DEL, C1
    | (?P<bidi> [{BIDIRECTIONAL_CONTROLS}] )
    | \n
    """,
    re.VERBOSE,
)
_SUSPECT: Final = re.compile(rf"[\x00-\x08\x0a-\x1f\x7f-\x9f{BIDIRECTIONAL_CONTROLS}]")
_RESET: Final = "\x1b[0m"


def sanitize(text: str, *, colour: bool = False, lines: bool = False) -> str:
    """Remove all control characters except TAB. Line ends become spaces unless `lines` is set.

    A bidirectional control becomes a mark, as `<U+202E>`.

    As on a terminal, the text after a lone CR replaces the line so far. With `colour`, SGR sequences are kept, and
    followed by a reset.
    """
    if not _SUSPECT.search(text):
        return text
    if "\r" in text:
        text = "\n".join(_after_carriage_returns(line) for line in text.split("\n"))
    coloured = False

    def replace(found: re.Match[str]) -> str:
        nonlocal coloured
        if found["sgr"] is not None and colour:
            coloured = True
            return found[0]
        if found["bidi"] is not None:
            return f"<U+{ord(found[0]):04X}>"
        if found[0] == "\n":
            return "\n" if lines else " "
        return ""

    text = _CONTROL.sub(replace, text)
    return text + _RESET if coloured else text


def _after_carriage_returns(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]
