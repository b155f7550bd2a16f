"""Estimates how hard a token is to guess, to refuse what people type instead of generating one."""

import math
from itertools import pairwise
from typing import Final

MIN_TOKEN_BITS: Final = 28.0
"""Far below what any random token of 16 characters has, and above repetitions and sequences."""


def estimate_bits(token: str) -> float:
    """A rough number of bits. Repeating a text adds nothing, and continuing a sequence (abc, 321, aaa) adds little."""
    unit = token[: (token + token).index(token, 1)]  # the text that the token repeats, or the token itself
    surprise = math.log2(len(set(unit)))
    steps = (0.5 if abs(ord(one) - ord(other)) <= 1 else surprise for one, other in pairwise(unit))
    return surprise + sum(min(surprise, step) for step in steps)
