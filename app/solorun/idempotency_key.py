"""IdempotencyKey: the caller's name for one start, with which it can repeat the request and still get one run."""

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, Self

KEY_LIFETIME: Final = timedelta(hours=24)
"""How long a key stands for the run that it started."""
KEY_HEADER: Final = "Idempotency-Key"
MAX_KEY_CHARACTERS: Final = 255
KEY_FORMAT: Final = f"must be 1 to {MAX_KEY_CHARACTERS} visible ASCII characters, optionally in double quotes"
_KEY: Final = re.compile(rf"[!-~]{{1,{MAX_KEY_CHARACTERS}}}")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key and the request that it was sent with, both as hashes, because the request may contain secrets.

    The key itself goes into the fingerprint and is stored nowhere: if it is random, the stored hashes cannot be used to
    guess a short secret.
    """

    hash: bytes
    fingerprint: bytes
    """Of the request: another request with the same key has another fingerprint."""

    @classmethod
    def of(cls, key: str, request: bytes) -> Self:
        encoded = key.encode()
        return cls(sha256(encoded).digest(), hmac.digest(encoded, request, "sha256"))


def is_valid_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None
