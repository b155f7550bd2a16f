"""Reads the service's token from its file, and refuses weak ones. No message contains the token."""

import logging
import re
import stat
from pathlib import Path
from typing import Final

from solorun.projects.token_strength import MIN_TOKEN_BITS, estimate_bits
from solorun.projects.validation import InvalidValue, Node

MIN_TOKEN_CHARS: Final = 16
MAX_TOKEN_CHARS: Final = 1024
HOW_TO_MAKE_ONE: Final = "`openssl rand -hex 32` generates a good one"

_VISIBLE_ASCII = re.compile(r"[!-~]+", re.ASCII)

logger = logging.getLogger("solorun.projects")


def token(node: Node) -> str:
    """A reader of the token itself, from an environment variable."""
    return _check(str(node.value))


def read_token_file(file: Path) -> str:
    """The token in a file, without the whitespace around it. Raises InvalidValue."""
    try:
        with file.open("rb") as opened:
            mode = file.stat().st_mode
            # Enough for the longest token and some whitespace. The wrong file may be very large.
            data = opened.read(4 * MAX_TOKEN_CHARS)
    except OSError as error:
        raise InvalidValue(f"the token file {file} cannot be read: {error.strerror}") from None
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        logger.warning("Other users of this machine can read the token file %s. Run chmod 600 on it.", file)
    return _check(data.decode("ascii", errors="replace"))


def _check(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise InvalidValue(f"the token is empty; {HOW_TO_MAKE_ONE}")
    if not _VISIBLE_ASCII.fullmatch(stripped):
        raise InvalidValue(
            "the token contains a space, a line break or a non-ASCII character, which a header cannot contain"
        )
    if len(stripped) < MIN_TOKEN_CHARS:
        raise InvalidValue(
            f"the token is shorter than {MIN_TOKEN_CHARS} characters and could be guessed; {HOW_TO_MAKE_ONE}"
        )
    if len(stripped) > MAX_TOKEN_CHARS:
        raise InvalidValue(f"the token is longer than {MAX_TOKEN_CHARS} characters")
    if estimate_bits(stripped) < MIN_TOKEN_BITS:
        raise InvalidValue(f"the token repeats itself or is a sequence, so it could be guessed; {HOW_TO_MAKE_ONE}")
    return stripped
