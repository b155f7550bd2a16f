"""Lines as a terminal shows them."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.text.terminal import WIDTH, TerminalLine, visible_text
from tests.fakes.terminal_lines import TERMINAL_LINES

_CONTROLS: Final = st.text(alphabet=st.sampled_from("\x1b[]GCDKJm;019?>a日🚀\u0301\b\r\t\x07\\\x9b\x9c\x9d\nP_(\x00 "))


def written(pieces: list[str], *, colour: bool = False) -> str:
    line = TerminalLine(colour=colour)
    for piece in pieces:
        line.write(piece)
    return line.text


@pytest.mark.parametrize(("pieces", "shown"), TERMINAL_LINES)
def test_a_line_is_what_a_terminal_shows(pieces: list[str], shown: str) -> None:
    whole = "".join(pieces)

    assert written(pieces) == shown
    assert written(list(whole)) == shown
    assert visible_text(whole) == shown


@pytest.mark.parametrize(
    ("text", "coloured"),
    [
        ("\x1b[1;31mred", "\x1b[1;31mred\x1b[0m"),
        ("a\x1b[31mb\x1b[0mc", "a\x1b[31mb\x1b[0mc"),
        ("\x1b[31ma\x1b[1mb", "\x1b[31ma\x1b[0m\x1b[31m\x1b[1mb\x1b[0m"),
        ("\x1b[31mabc\x1b[m\rx", "x\x1b[31mbc\x1b[0m"),
        ("\x1b[>4;2mx\x1b[?1my", "xy"),
        ("\x9b31mx", "\x1b[31mx\x1b[0m"),
    ],
)
def test_colours_belong_to_the_text_that_was_written_with_them(text: str, coloured: str) -> None:
    assert written([text], colour=True) == coloured


def test_no_sequence_makes_a_line_longer_than_the_terminal_is_wide() -> None:
    assert len(written(["\x1b[999999999Cx\x1b[999999999Gy\x1b[999999999C\x1b[9999999999999999Gz"])) == WIDTH + 1


@given(_CONTROLS)
def test_no_control_character_survives(text: str) -> None:
    assert not [char for char in written([text]) if (char < " " and char != "\t") or "\x7f" <= char < "\xa0"]


@given(_CONTROLS, st.integers(0, 40))
def test_a_line_does_not_depend_on_where_it_is_cut(text: str, cut: int) -> None:
    assert written([text[:cut], text[cut:]], colour=True) == written([text], colour=True)


def test_many_control_characters_without_effect_are_skipped_together(monkeypatch: pytest.MonkeyPatch) -> None:
    obeyed: list[str] = []
    monkeypatch.setattr(TerminalLine, "_obey", lambda _, control: obeyed.append(control))

    assert visible_text("a" + "\0\x07" * 5000 + "b") == "ab"
    assert len(obeyed) == 1
