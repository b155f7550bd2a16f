"""IdempotencyKey: the caller's name for one start, with which it can repeat the request and still get one run."""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, Self

KEY_LIFETIME: Final = timedelta(hours=24)
"""How long a key stands for the run that it started."""
MAX_KEY_CHARACTERS: Final = 255


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
