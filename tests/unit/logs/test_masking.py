import base64
import html
import json
import re
import shlex
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.logs import Masker
from solorun.logs.masking import MAX_SECRET_CHARACTERS

SECRET = 'p@ss "w<o>rd"/ключ & \'s'
RAW = SECRET.encode()


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(RAW).decode(),
        base64.urlsafe_b64encode(RAW).decode().rstrip("="),
        quote(SECRET),
        quote(SECRET, safe=""),
        re.sub("%..", lambda code: code[0].lower(), quote(SECRET, safe="")),
        quote(SECRET, safe="!~*'()"),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(SECRET))[3:-3],
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        html.escape(SECRET).replace("&#x27;", "&apos;"),
        shlex.quote(SECRET)[1:-1],
        SECRET.replace('"', '\\"'),
        repr(SECRET)[1:-1],
        RAW.hex(),
        RAW.hex().upper(),
    ],
)
def test_a_secret_is_masked_in_the_forms_in_which_it_leaks(form: str) -> None:
    masker = Masker([SECRET])

    masked = masker.mask(f"before {form} after")

    assert masked.rstrip("=").startswith("before ***")
    assert form not in masked


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "admin"])
def test_a_password_in_basic_authentication_is_masked(user: str) -> None:
    password = "correct-horse-battery"
    header = base64.b64encode(f"{user}:{password}".encode()).decode()

    masked = Masker([password]).mask(f"Authorization: Basic {header}")

    assert "***" in masked
    # What is left of it decodes to a few characters next to the secret.
    assert len(masked.replace("***", "")) <= len(f"Authorization: Basic {header}") - len(password)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("x \x1b[01;31m\x1b[Kcorrect\x1b[m\x1b[K-horse y", "x \x1b[01;31m\x1b[K*** y"),
        ("cor\x1b[1mrect\x1b[0m-horse", "***"),
        ("\x1b[31mcorrect-hors\x1b[0m", "\x1b[31mcorrect-hors\x1b[0m"),
        ("correct\x1b]8;;http://x\x1b\\-\x1b[?25hhor\x1b(Bse y", "*** y"),
        ("\x1b]8;;http://x?correct-horse\x07link\x1b]8;;\x07", "\x1b]8;;http://x?***\x07link\x1b]8;;\x07"),
        ("\x1b]8;;http://x/cor\x1b[1mrect-horse", "\x1b]8;;http://x/***"),
        ("10%\rcorrect\r-horse y", "10%\r*** y"),
        ("cor\brect\x1b[1m-\0horse", "***"),
    ],
)
def test_a_secret_interrupted_by_escape_sequences_is_masked(text: str, masked: str) -> None:
    masker = Masker(["correct-horse"])

    assert masker.mask(text) == masked
    assert masker.mask_lines([text, "a line", text]) == [masked, "a line", masked]


@pytest.mark.parametrize(
    "begun", ["cor\x1b[1mrect", "correct\x1b]8;;htt", "cor\x1b]8;;x\x07rect", "c\x1b", "cor\rrect\r"]
)
def test_an_end_that_may_begin_an_interrupted_secret_is_held_back(begun: str) -> None:
    assert Masker(["correct-horse"]).pending_secret_length(f"see {begun}") == len(begun)


def test_values_that_exceed_the_limits_are_refused() -> None:
    masker = Masker(max_forms=20)

    assert masker.add("correct-horse")
    assert not masker.add("another-secret-with-forms-of-its-own-<>&'\"")
    assert not Masker().add("x" * (MAX_SECRET_CHARACTERS + 1))
    assert masker.mask("correct-horse") == "***"


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


@pytest.mark.parametrize("begun", ["", "correct-h"])
def test_text_that_cannot_be_encoded_is_masked_around_it(begun: str) -> None:
    masker = Masker(["correct-horse"])
    text = "caf\udce9: correct-horse \ud800"

    assert masker.mask(text) == "caf\udce9: *** \ud800"
    assert masker.mask_lines([text, "plain"]) == ["caf\udce9: *** \ud800", "plain"]
    assert masker.pending_secret_length(f"\ud800{begun}") == len(begun)


def test_a_secret_that_cannot_be_encoded_is_masked_as_the_log_shows_it() -> None:
    assert Masker(["p\udce9ss-phrase"]).mask("p\udce9ss-phrase p\ufffdss-phrase") == "*** ***"


def test_without_secrets_nothing_is_held_back() -> None:
    assert Masker().pending_secret_length("anything") == 0


@given(
    secret=st.text("ab-", min_size=5, max_size=9),
    before=st.text("ab-x", max_size=9),
    after=st.text("ab-x", max_size=9),
    cut=st.integers(0, 30),
)
def test_no_cut_at_the_pending_text_reveals_a_secret(secret: str, before: str, after: str, cut: int) -> None:
    masker = Masker([secret])
    text = before + secret + after
    first = text[:cut]
    kept = len(first) - masker.pending_secret_length(first)

    pieces = masker.mask(text[:kept]) + "|" + masker.mask(text[kept:])

    assert secret not in pieces.replace("|", "")
    assert "***" in pieces


@given(st.lists(st.text(min_size=5, max_size=12), max_size=4), st.text(max_size=40))
def test_masking_masked_text_changes_nothing(secrets: list[str], text: str) -> None:
    masker = Masker(secrets)
    once = masker.mask(text)

    assert masker.mask(once) == once or any("*" in secret for secret in secrets)


def test_many_secrets_are_found_like_one() -> None:
    secrets = [f"{number:05}-secret" for number in range(3000)]
    masker = Masker(secrets)

    assert masker.mask("a 00042-secret b 02999-secret c 03000-secret") == "a *** b *** c 03000-secret"
    assert masker.pending_secret_length("a 00042-sec") == 9


def test_many_secrets_with_a_common_prefix_are_all_masked() -> None:
    masker = Masker(f"ghp_{number:08}" for number in range(3000))

    assert masker.mask("ghp_00000001 ghp_00003000 ghp_00002999") == "*** ghp_00003000 ***"


_ENCODED = base64.b64encode(b"user:hunter2-hunter2").decode()


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                ["hunter2", "-hunter2", "hunt", "日本", " ", "\t", "\r", "\b", "\n", "\x1b[1m", "\x1b[K", "aaaaa", "="]
            )
            | st.sampled_from([_ENCODED[:9], _ENCODED[9:], _ENCODED[2:14]]),
            max_size=6,
        ).map("".join),
        max_size=6,
    )
)
def test_lines_are_masked_together_as_each_of_them_is(lines: list[str]) -> None:
    masker = Masker(["hunter2-hunter2", "aaaaaa", "日本hunter2"])

    assert masker.mask_lines(lines) == [masker.mask(line) for line in lines]


def test_lines_without_a_secret_are_not_masked_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    masker = Masker(["hunter2-hunter2"])
    mask, masked = masker.mask, []

    def count(line: str, known: Iterable[tuple[int, int]] = ()) -> str:
        masked.append(line)
        return mask(line, known)

    monkeypatch.setattr(masker, "mask", count)

    masker.mask_lines(["a line", "with hunter2-hunter2 in it", "\x1b[1mhunter2\x1b[0m-hunter2 in bold", "another line"])

    assert masked == ["with hunter2-hunter2 in it", "\x1b[1mhunter2\x1b[0m-hunter2 in bold"]
