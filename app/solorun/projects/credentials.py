"""Reads the service's token and its secret key from variables and files, and refuses weak ones. No message contains
them.
"""

import logging
import math
import re
import stat
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from solorun.projects import readers
from solorun.projects.validation import InvalidValue, Node

MAX_CHARS: Final = 1024
MIN_TOKEN_BITS: Final = 28.0
"""Far below what any random token of 16 characters has, and above repetitions and sequences."""
HOW_TO_MAKE_ONE: Final = "`openssl rand -hex 32` generates a good one"

_VISIBLE_ASCII = re.compile(r"[!-~]+", re.ASCII)

logger = logging.getLogger("solorun.projects")


@dataclass(frozen=True, slots=True)
class Credential:
    """A kind of secret that the service is given."""

    name: str
    min_chars: int

    def read(self, node: Node) -> str:
        """A reader of the secret itself, from an environment variable."""
        return self._check(str(node.value))

    def read_file(self, node: Node) -> str:
        """A reader of the file that contains the secret, perhaps with whitespace around it."""
        file = readers.path(node)
        try:
            with file.open("rb") as opened:
                mode = file.stat().st_mode
                # Enough for the longest secret and some whitespace. The wrong file may be very large.
                data = opened.read(4 * MAX_CHARS)
        except OSError as error:
            raise InvalidValue(f"the {self.name} file {file} cannot be read: {error.strerror}") from None
        if mode & (stat.S_IRGRP | stat.S_IROTH):
            logger.warning("Other users of this machine can read the %s file %s. Run chmod 600 on it.", self.name, file)
        return self._check(data.decode("ascii", errors="replace"))

    def _check(self, text: str) -> str:
        stripped, name = text.strip(), self.name
        if not stripped:
            raise InvalidValue(f"the {name} is empty; {HOW_TO_MAKE_ONE}")
        if not _VISIBLE_ASCII.fullmatch(stripped):
            raise InvalidValue(f"the {name} contains a space, a line break or a non-ASCII character")
        if len(stripped) < self.min_chars:
            raise InvalidValue(
                f"the {name} is shorter than {self.min_chars} characters and could be guessed; {HOW_TO_MAKE_ONE}"
            )
        if len(stripped) > MAX_CHARS:
            raise InvalidValue(f"the {name} is longer than {MAX_CHARS} characters")
        if estimate_bits(stripped) < MIN_TOKEN_BITS:
            raise InvalidValue(f"the {name} repeats itself or is a sequence, so it could be guessed; {HOW_TO_MAKE_ONE}")
        return stripped


TOKEN: Final = Credential("token", min_chars=16)
SECRET_KEY: Final = Credential("secret key", min_chars=32)


def estimate_bits(token: str) -> float:
    """A rough number of bits. Repeating a text adds nothing, and continuing a sequence (abc, 321, aaa) adds little."""
    unit = token[: (token + token).index(token, 1)]  # the text that the token repeats, or the token itself
    surprise = math.log2(len(set(unit)))
    steps = (0.5 if abs(ord(one) - ord(other)) <= 1 else surprise for one, other in pairwise(unit))
    return surprise + sum(min(surprise, step) for step in steps)
