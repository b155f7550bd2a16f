"""Makes untrusted text safe for a terminal: a log can contain anything that a step printed.

An escape sequence can rewrite earlier lines, set the clipboard or make the terminal type. Only colours and styles (SGR)
are kept, and only on a terminal.
"""

import re
from typing import Final

_CONTROL: Final = re.compile(
    r"""
      (?P<sgr> \x1b\[ [0-9;:]* m )                            # colours and styles
    | (?: \x1b\[ | \x9b ) [0-?]* [\ -/]* [@-~]?                # any other CSI: cursor, screen, modes
    | (?: \x1b[\]PX^_] | [\x90\x98\x9d\x9e\x9f] )              # OSC, DCS, SOS, PM, APC: a string, up to its end ...
      [^\x07\x1b\x9c]* (?: \x07 | \x1b\\ | \x9c | (?=\x1b) | $ )
    | \x1b [\ -/]* [0-~]?                                      # other escapes: charsets, resets
    | [\x00-\x08\x0b-\x1f\x7f-\x9f]                            # C0 but TAB and LF, DEL, C1
    | \n
    """,
    re.VERBOSE,
)
_SUSPECT: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_RESET: Final = "\x1b[0m"


def sanitize(text: str, *, colour: bool = False, lines: bool = False) -> str:
    """Remove all control characters except TAB. Line ends become spaces unless `lines` is set.

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
        if found[0] == "\n":
            return "\n" if lines else " "
        return ""

    text = _CONTROL.sub(replace, text)
    return text + _RESET if coloured else text


def _after_carriage_returns(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]
