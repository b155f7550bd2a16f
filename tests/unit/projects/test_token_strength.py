"""Weak tokens are refused, and no generated one is."""

import random
import secrets
import string

import pytest

from solorun.projects.credentials import MIN_TOKEN_BITS, estimate_bits

ALPHABETS = {"hexadecimal": "0123456789abcdef", "letters": string.ascii_lowercase, "all": string.printable[:94]}


@pytest.mark.parametrize(
    "token",
    [
        "a" * 16,
        "x" * 1024,
        "passwordpassword",
        "changeme" * 4,
        "0123456789abcdef",
        "1234567890123456",
        "abcdefghijklmnopqrstuvwxyz",
        "9876543210987654",
        "aaaabbbbccccdddd",
        "ab" * 100,
    ],
)
def test_a_repetition_or_a_sequence_is_weak(token: str) -> None:
    assert estimate_bits(token) < MIN_TOKEN_BITS


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
@pytest.mark.parametrize("length", [16, 20, 32, 64])
def test_a_generated_token_is_strong(alphabet: str, length: int) -> None:
    source = random.Random(1)

    bits = [estimate_bits("".join(source.choices(alphabet, k=length))) for _ in range(2000)]

    assert min(bits) >= MIN_TOKEN_BITS


@pytest.mark.parametrize(
    "token",
    [secrets.token_hex(16), secrets.token_urlsafe(16), "correct-horse-battery-staple"],
    ids=["hex", "url", "words"],
)
def test_usual_tokens_are_strong(token: str) -> None:
    assert estimate_bits(token) >= MIN_TOKEN_BITS


def test_a_long_token_is_estimated_in_a_moment() -> None:
    assert estimate_bits("ab" * 511 + "ac") > MIN_TOKEN_BITS
