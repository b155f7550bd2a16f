"""The service's token: reads it from its file, and refuses what nobody should rely on. No message ever shows it."""

import logging
import re
import stat
from pathlib import Path
from typing import Final

from solorun.projects.token_strength import MIN_TOKEN_BITS, estimate_bits
from solorun.projects.validation import InvalidValue, Node

MIN_TOKEN_CHARS: Final = 16
MAX_TOKEN_CHARS: Final = 1024
HOW_TO_MAKE_ONE: Final = "`openssl rand -hex 32` makes a good one"

_VISIBLE_ASCII = re.compile(r"[!-~]+", re.ASCII)

logger = logging.getLogger(__name__)


def token(place: Node) -> str:
    """The token itself, as a variable holds it."""
    return _check(str(place.value))


def read_token_file(file: Path) -> str:
    """The token in a file, without the white space around it. Raises InvalidValue."""
    try:
        with file.open("rb") as opened:
            mode = file.stat().st_mode
            # More than the longest token and the white space around it: a wrong file is not read whole.
            data = opened.read(4 * MAX_TOKEN_CHARS)
    except OSError as error:
        raise InvalidValue(f"the token file {file} cannot be read: {error.strerror}") from None
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        logger.warning("Others on this machine can read the token file %s: chmod 600 would keep it yours.", file)
    return _check(data.decode("ascii", errors="replace"))


def _check(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise InvalidValue(f"the token is empty; {HOW_TO_MAKE_ONE}")
    if not _VISIBLE_ASCII.fullmatch(stripped):
        raise InvalidValue(
            "the token holds a space, a line end or a character beyond ASCII, which no header could carry"
        )
    if len(stripped) < MIN_TOKEN_CHARS:
        raise InvalidValue(
            f"the token is shorter than {MIN_TOKEN_CHARS} characters, so it could be guessed; {HOW_TO_MAKE_ONE}"
        )
    if len(stripped) > MAX_TOKEN_CHARS:
        raise InvalidValue(f"the token is longer than {MAX_TOKEN_CHARS} characters")
    if estimate_bits(stripped) < MIN_TOKEN_BITS:
        raise InvalidValue(f"the token repeats itself or is a sequence, so it could be guessed; {HOW_TO_MAKE_ONE}")
    return stripped
