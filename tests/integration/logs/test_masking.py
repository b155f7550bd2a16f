import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.logs import Masker

SECRET = 'p@ss "word"/ключ'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        quote(SECRET),
        quote(SECRET, safe=""),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
    ],
)
def test_a_secret_is_masked_in_the_forms_in_which_it_leaks(form: str) -> None:
    masker = Masker([SECRET])

    masked = masker.mask(f"before {form} after")

    assert masked.rstrip("=").startswith("before ***")
    assert form not in masked


def test_each_line_of_a_secret_of_many_lines_is_masked() -> None:
    masker = Masker(["-----BEGIN-----\r\nabcdefgh\nijklmnop\n"])

    assert masker.mask("x abcdefgh y") == "x *** y"
    assert masker.mask("ijklmnop") == "***"


@pytest.mark.parametrize("value", ["", "1", "true", "a\nb\nc", "    "])
def test_a_value_that_is_too_short_masks_nothing(value: str) -> None:
    assert Masker([value]).mask("1 true a b c     ") == "1 true a b c     "


def test_the_tail_of_a_secret_does_not_survive_because_another_overlaps_it() -> None:
    masker = Masker(["abcdefgh", "efghijkl"])

    assert masker.mask("--abcdefghijkl--") == "--***--"


def test_a_secret_inside_another_is_masked_by_itself_too() -> None:
    masker = Masker(["correct", "correct-horse"])

    assert masker.mask("correct correct-horse") == "*** ***"


def test_a_secret_counts_from_its_declaration_on() -> None:
    masker = Masker()
    before = masker.mask("correct-horse")

    masker.add("correct-horse")

    assert (before, masker.mask("correct-horse")) == ("correct-horse", "***")


@pytest.mark.parametrize(
    ("text", "held"),
    [("my corre", 5), ("my c", 1), ("my correct-horse", 0), ("my x", 0), ("", 0), ("cc", 1), ("correct-hors", 12)],
)
def test_an_end_that_may_begin_a_secret_is_held_back(text: str, held: int) -> None:
    assert Masker(["correct-horse"]).pending_secret_length(text) == held


def test_without_secrets_nothing_is_held_back() -> None:
    assert Masker().pending_secret_length("anything") == 0


@given(
    secret=st.text("ab-", min_size=5, max_size=9),
    before=st.text("ab-x", max_size=9),
    after=st.text("ab-x", max_size=9),
    cut=st.integers(0, 30),
)
def test_no_cut_at_what_is_held_back_lets_a_secret_through(secret: str, before: str, after: str, cut: int) -> None:
    masker = Masker([secret])
    text = before + secret + after
    first = text[:cut]
    kept = len(first) - masker.pending_secret_length(first)

    pieces = masker.mask(text[:kept]) + "|" + masker.mask(text[kept:])

    assert secret not in pieces.replace("|", "")
    assert "***" in pieces


@given(st.lists(st.text(min_size=5, max_size=12), max_size=4), st.text(max_size=40))
def test_masking_what_is_masked_changes_nothing(secrets: list[str], text: str) -> None:
    masker = Masker(secrets)
    once = masker.mask(text)

    assert masker.mask(once) == once or any("*" in secret for secret in secrets)


def test_many_secrets_are_found_as_one_is() -> None:
    secrets = [f"{number:05}-secret" for number in range(3000)]
    masker = Masker(secrets)

    assert masker.mask("a 00042-secret b 02999-secret c 03000-secret") == "a *** b *** c 03000-secret"
    assert masker.pending_secret_length("a 00042-sec") == 9


@given(st.lists(st.text("ab", min_size=5, max_size=8), min_size=1, max_size=4), st.text("abx", max_size=40))
def test_the_index_of_many_finds_what_looking_one_by_one_finds(secrets: list[str], text: str) -> None:
    few = Masker(secrets)
    many = Masker([*secrets, *(f"#{number:05}" for number in range(200))])

    assert many.mask(text) == few.mask(text)
    assert many.pending_secret_length(text) == few.pending_secret_length(text)


def test_many_secrets_that_begin_alike_are_told_apart() -> None:
    masker = Masker(f"ghp_{number:08}" for number in range(3000))

    assert masker.mask("ghp_00000001 ghp_00003000 ghp_00002999") == "*** ghp_00003000 ***"
