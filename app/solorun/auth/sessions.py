"""Browser sessions, kept in memory: restarting the service ends them all."""

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Final

SESSION_SECONDS: Final = 7 * 24 * 3600
MAX_SESSIONS: Final = 1_000


class Sessions:
    """The open sessions. Only hashes of the session ids are kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expiries: dict[bytes, float] = {}

    def __len__(self) -> int:
        return len(self._expiries)

    def begin(self) -> str:
        """Begin a session and return its id. If there are too many, the oldest one ends."""
        while len(self._expiries) >= MAX_SESSIONS:
            del self._expiries[next(iter(self._expiries))]
        session = secrets.token_urlsafe(32)
        self._expiries[_hash(session)] = self._clock() + SESSION_SECONDS
        return session

    def is_valid(self, session: str) -> bool:
        """Whether the session exists and has not expired."""
        key = _hash(session)
        expiry = self._expiries.get(key)
        if expiry is None:
            return False
        if self._clock() >= expiry:
            del self._expiries[key]
            return False
        return True

    def end(self, session: str) -> None:
        self._expiries.pop(_hash(session), None)


def _hash(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()
