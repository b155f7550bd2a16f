"""IdempotencyKey: the caller's name for one start, with which it can repeat the request and still get one run."""

import hmac
import re
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Final

KEY_LIFETIME: Final = timedelta(hours=24)
"""How long a key stands for the run that it started."""
KEY_HEADER: Final = "Idempotency-Key"
MAX_KEY_CHARACTERS: Final = 255
KEY_FORMAT: Final = f"must be 1 to {MAX_KEY_CHARACTERS} visible ASCII characters, optionally in double quotes"
_KEY: Final = re.compile(rf"[!-~]{{1,{MAX_KEY_CHARACTERS}}}")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key, and what the request that it was sent with asks for.

    Only hashes are stored, because the request may contain secrets. The fingerprint is keyed with the text of the key:
    if that is random, the stored hashes cannot be used to guess a short secret.
    """

    text: str = field(repr=False)
    request: bytes = field(repr=False)

    @property
    def hash(self) -> bytes:
        return sha256(self.text.encode()).digest()

    @property
    def fingerprint(self) -> bytes:
        """Another request with the same key has another fingerprint."""
        return hmac.digest(self.text.encode(), self.request, "sha256")


def is_valid_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None
