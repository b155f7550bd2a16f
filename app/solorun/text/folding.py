"""Folds text for a comparison that ignores case and how accents are composed."""

from collections.abc import Mapping
from functools import cache
from typing import Final
from unicodedata import combining, normalize

_BLOCK: Final = 0x400
_END: Final = 0x30000
"""All characters from here on are stable."""


def fold(text: str) -> str:
    return text.lower() if text.isascii() else normalize("NFC", text.casefold())


def find_sources(folded: str) -> frozenset[str]:
    """The characters beyond ASCII from which a folded text may arise. A text without them contains it literally.

    They are those that fold to something else, such as the Kelvin sign, and the accents that its characters contain.
    """
    parts = normalize("NFD", folded)
    accents = {accent for character in folded for accent in normalize("NFD", character)[1:]}
    accents.update(filter(combining, parts))  # In a row, they may be in another order.
    return frozenset(accents).union(*(_unstable_characters().get(part, ()) for part in {*folded, *parts}))


@cache
def _unstable_characters() -> Mapping[str, frozenset[str]]:
    """For each character, the others beyond ASCII whose folded form contains it. Takes 0.05 s, once."""
    found: dict[str, set[str]] = {}
    for start in range(0x80, _END, _BLOCK):
        block = "".join(map(chr, range(start, start + _BLOCK)))
        if fold(block) == block:
            continue
        for character in block:
            if (folded := fold(character)) != character:
                for part in folded:
                    found.setdefault(part, set()).add(character)
    return {part: frozenset(sources) for part, sources in found.items()}
