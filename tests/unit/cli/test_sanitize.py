"""Log text cannot control the terminal."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.cli.render.sanitize import sanitize
from solorun.text.terminal import visible_text

HOSTILE = [
    pytest.param("a\x1b[2Jb", "ab", id="clears the screen"),
    pytest.param("a\x1b[10;5Hb", "ab", id="moves the cursor"),
    pytest.param("a\x1b[?1049hb", "ab", id="switches the screen"),
    pytest.param("a\x1b]0;title\x07b", "ab", id="sets the title"),
    pytest.param("a\x1b]52;c;aGk=\x1b\\b", "ab", id="sets the clipboard"),
    pytest.param("\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\", "text", id="makes a link"),
    pytest.param("a\x1bP1;2qdata\x1b\\b", "ab", id="a device control string"),
    pytest.param("a\x1b_payload\x1b\\b", "ab", id="an application command"),
    pytest.param("a\x1b]0;never ends", "a", id="an unterminated string"),
    pytest.param("a\x1b]0;x\x1b[2Jb", "ab", id="a string cut by another escape"),
    pytest.param("a\x9b2Jb", "ab", id="an 8-bit CSI"),
    pytest.param("a\x9d0;title\x9cb", "ab", id="an 8-bit OSC"),
    pytest.param("a\x1bcb", "ab", id="a full reset"),
    pytest.param("a\x1b(0b", "ab", id="a charset"),
    pytest.param("a\x1b", "a", id="a lone escape"),
    pytest.param("a\x1b[", "a", id="an unfinished CSI"),
    pytest.param("a\u202eb\u2066c\u200f", "a<U+202E>b<U+2066>c<U+200F>", id="bidirectional controls"),
    pytest.param("a\x00\x07\x7f\x85b", "ab", id="other control characters"),
]


@pytest.mark.parametrize(("text", "safe"), HOSTILE)
def test_control_sequences_are_removed(text: str, safe: str) -> None:
    assert sanitize(text) == safe
    assert visible_text(text, colour=True) == text_before_marks(safe)


def text_before_marks(safe: str) -> str:
    return re.sub(r"<U\+(\w{4})>", lambda mark: chr(int(mark[1], 16)), safe)


def test_colours_are_removed() -> None:
    assert sanitize("\x1b[1;31mred\x1b[0m") == "red"


def test_every_bidirectional_control_of_unicode_becomes_a_mark() -> None:
    controls = [chr(code) for code in range(sys.maxunicode) if unicodedata.bidirectional(chr(code)) in _BIDI_CLASSES]
    controls += ["\u061c", "\u200e", "\u200f"]

    assert [sanitize(control) for control in controls] == [f"<U+{ord(control):04X}>" for control in controls]


_BIDI_CLASSES = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize("text", ["plain", "tab\tstays", "日本語 ✔ é", ""])
def test_harmless_text_is_unchanged(text: str) -> None:
    assert sanitize(text) == text


def test_a_carriage_return_replaces_the_line_as_on_a_terminal() -> None:
    assert sanitize("10%\r50%\r100%") == "100%"
    assert sanitize("100%\r") == "100%"


def test_line_ends_become_spaces_unless_lines_are_kept() -> None:
    assert sanitize("a\nb") == "a b"
    assert sanitize("a\nb\x07", lines=True) == "a\nb"


@given(st.text(alphabet=st.sampled_from("\x1b[]mJ;0a\x07\\\x9b\x9c\x9d\r\nP_?(\x00")))
def test_no_control_character_survives(text: str) -> None:
    assert not [character for character in sanitize(text) if character < " " or "\x7f" <= character < "\xa0"]
