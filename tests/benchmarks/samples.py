"""The lines that benchmarks log: about as varied as those of real programs, and the same every time."""

import random
from pathlib import Path
from typing import Final

LINE_BYTES: Final = 92
DIFFERENT_LINES: Final = 5_000

_WORDS: Final = ("photon", "aperture", "nebula", "eyepiece", "spectrum", "orbit", "parallax", "quasar", "filter")


def make_lines(number: int = DIFFERENT_LINES) -> list[str]:
    """Lines of 92 ASCII characters."""
    chance = random.Random(7)
    return [_line(chance) for _ in range(number)]


def write_lines(path: Path, number: int = DIFFERENT_LINES) -> Path:
    """Write `number` lines to a file, repeating the different ones in a cycle."""
    lines = make_lines()
    rounds, rest = divmod(number, len(lines))
    with path.open("w") as file:
        block = "\n".join(lines) + "\n"
        for _ in range(rounds):
            file.write(block)
        file.write("".join(line + "\n" for line in lines[:rest]))
    return path


def _line(chance: random.Random) -> str:
    words = " ".join(chance.choice(_WORDS) for _ in range(3))
    text = f"worker {chance.randrange(16):2} took {chance.getrandbits(64):016x} in {chance.random():.6f} s: {words}"
    return text[:LINE_BYTES].ljust(LINE_BYTES, ".")
