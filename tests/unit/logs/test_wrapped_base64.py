"""Secrets in base64 that is wrapped: a line may end anywhere in them."""

import base64
import re
from collections.abc import Callable

import pytest

from solorun.logs import Masker

MASKED = "\x00"


def wrap(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]


@pytest.mark.parametrize("width", [64, 76])
def test_every_line_of_wrapped_base64_is_masked(width: int) -> None:
    secret = "".join(map(chr, range(33, 127))) * 2
    encoded = base64.b64encode(secret.encode()).decode()
    lines = [encoded[start : start + width] for start in range(0, len(encoded), width)]
    masker = Masker([secret])

    assert {masker.mask(line).rstrip("=") for line in lines} == {"***"}


@pytest.mark.parametrize("width", [64, 76])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("secret", [f"corréct-horse\x7f>>>-battery{'-staple' * count}" for count in (0, 30)])
def test_a_secret_within_wrapped_base64_is_masked_wherever_the_line_ends(
    secret: str, width: int, encode: Callable[[bytes], bytes]
) -> None:
    masker = Masker([secret])
    value = secret.encode()

    for length in range(width):
        encoded = encode(b"\x00" * length + value + b"\x00" * 100).decode()
        lines = [encoded[start : start + width] for start in range(0, len(encoded), width)]
        for line in lines:
            head, *rest = masker.mask(line).split("***")
            tail = rest[-1] if rest else ""
            pieces = head[: len(head) // 4 * 4], tail[len(tail) % 4 :]
            left = [base64.urlsafe_b64decode(piece.translate(str.maketrans("+/", "-_"))) for piece in pieces]
            found = [start for start in range(len(value) - 2) if any(value[start : start + 3] in part for part in left)]
            assert not found, (length, line, masker.mask(line))


@pytest.mark.parametrize("width", [64, 76])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_nothing_is_left_of_a_wrapped_secret_whose_lines_arrive_together(
    width: int, encode: Callable[[bytes], bytes]
) -> None:
    value = "corréct-horse\x7f>>>-battery-staple"
    masker = Masker([value])

    for length in range(width):
        encoded = encode(b"\x00" * length + value.encode() + b"\x00" * 60).decode()
        lines = wrap(encoded, width)
        masked = masker.mask_lines(["listing:", *lines, "done", *lines])

        secret = range(length * 8 // 6, -(-(length + len(value.encode())) * 8 // 6))
        hidden = "".join(MASKED if place in secret else char for place, char in enumerate(encoded))
        expected = [re.sub(f"{MASKED}+", "***", line) for line in wrap(hidden, width)]
        assert masked == ["listing:", *expected, "done", *expected]


@pytest.mark.parametrize("lines", [["aGVsbG8sIHdvcmxkIQ", "aGVsbG8sIHdvcmxkIQ", "x"], ["=" * 20] * 2, ["a" * 17] * 3])
def test_words_below_each_other_that_are_no_base64_are_left(lines: list[str]) -> None:
    assert Masker(["correct-horse"]).mask_lines(lines) == lines


def test_base64_next_to_a_wrapped_secret_is_left() -> None:
    masker = Masker(["correct-horse-battery"])
    encoded = base64.b64encode(b"a first line of text\nuser:" + b"x" * 26 + b"correct-horse-battery and more").decode()

    masked = [masker.mask(encoded[start : start + 76]) for start in range(0, len(encoded), 76)]

    assert masked == [encoded[:69] + "***", "***" + encoded[76 + 22 :]]


@pytest.mark.parametrize(
    ("before", "after"),
    [("2026-11-29 10:00:00 app[12]: ", ""), ("# ", " \r"), ("\tline\t", ""), ('    "', '",'), ("- '", "'")],
)
def test_wrapped_base64_is_masked_at_the_end_of_a_line_with_other_text(before: str, after: str) -> None:
    masker = Masker(["correct-horse-battery"])
    encoded = base64.b64encode(b"x" * 48 + b"correct-horse-battery and more").decode()
    lines = [f"{before}{encoded[start : start + 76]}{after}" for start in range(0, len(encoded), 76)]

    masked = [f"{before}{encoded[:64]}***{after}", f"{before}***{encoded[76 + 16 :]}{after}"]
    assert [masker.mask(line) for line in lines] == masked
