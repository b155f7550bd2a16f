"""Makes untrusted text safe for a terminal: a log can contain anything that a step printed.

An escape sequence can rewrite earlier lines, set the clipboard or make the terminal type. Bidirectional controls can
show the characters of a line in another order than they have; they are replaced by visible marks.
"""

import re
from typing import Final

from solorun.text.terminal import visible_text

BIDIRECTIONAL_CONTROLS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""The characters with Unicode's property Bidi_Control, for a set in a regular expression."""

_BIDIRECTIONAL_CONTROL: Final = re.compile(rf"[{BIDIRECTIONAL_CONTROLS}]")


def sanitize(text: str, *, lines: bool = False) -> str:
    """The text that a terminal shows, without control characters except TAB. Line ends become spaces unless `lines`."""
    return mark_bidirectional_controls(("\n" if lines else " ").join(map(visible_text, text.split("\n"))))


def mark_bidirectional_controls(text: str) -> str:
    """The text with a mark such as `<U+202E>` in place of each bidirectional control."""
    return text if text.isascii() else _BIDIRECTIONAL_CONTROL.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)
