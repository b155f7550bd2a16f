"""Browser sessions, kept in memory: restarting the service ends them all."""

import hashlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Final

SESSION_SECONDS: Final = 7 * 24 * 3600
MAX_SESSIONS: Final = 1_000
MAX_FAILED_LOGINS: Final = 10
FAILED_LOGIN_WINDOW_SECONDS: Final = 60.0
_MAX_THROTTLED_PEERS: Final = 1_000


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
        self._expiries[hash_secret(session.encode())] = self._clock() + SESSION_SECONDS
        return session

    def is_valid(self, session: str) -> bool:
        """Whether the session exists and has not expired."""
        key = hash_secret(session.encode())
        expiry = self._expiries.get(key)
        if expiry is None:
            return False
        if self._clock() >= expiry:
            del self._expiries[key]
            return False
        return True

    def end(self, session: str) -> None:
        self._expiries.pop(hash_secret(session.encode()), None)


class LoginThrottle:
    """Refuses logins from an address that has failed ten times within a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, deque[float]] = {}

    def wait_seconds(self, peer: str) -> float:
        """How long this peer must wait before its next attempt; 0 if it may try now."""
        failures = self._failures.get(peer)
        if failures is None or len(failures) < MAX_FAILED_LOGINS:
            return 0.0
        return max(0.0, failures[0] + FAILED_LOGIN_WINDOW_SECONDS - self._clock())

    def record_failure(self, peer: str) -> None:
        failures = self._failures.pop(peer, None) or deque(maxlen=MAX_FAILED_LOGINS)
        failures.append(self._clock())
        self._failures[peer] = failures
        while len(self._failures) > _MAX_THROTTLED_PEERS:
            del self._failures[next(iter(self._failures))]


def hash_secret(secret: bytes) -> bytes:
    """What is kept of a token or a session id."""
    return hashlib.sha256(secret).digest()
