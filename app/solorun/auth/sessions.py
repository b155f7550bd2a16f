"""Browser sessions, kept in the store: they outlive a restart, and every service that shares the database has them."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakKeyDictionary

from solorun.auth.live_check import LiveCheck
from solorun.errors import StoreFailure, StoreUnavailable
from solorun.store import SessionStore

SESSION_SECONDS: Final = 7 * 24 * 3600
MAX_SESSIONS: Final = 1_000

_ID_BYTES: Final = 32


class Sessions:
    """The open sessions. Only keyed hashes of their ids are stored, so another `secret` ends them all."""

    def __init__(self, store: SessionStore, secret: bytes, now: Callable[[], datetime]) -> None:
        self._store = store
        self._secret = secret
        self._now = now
        self._checks: WeakKeyDictionary[LiveCheck, str] = WeakKeyDictionary()

    async def count(self) -> int:
        return await self._store.count_sessions(at=self._now())

    async def begin(self) -> str:
        """Begin a session and return its id. If there are too many, the oldest one ends."""
        session, at = secrets.token_urlsafe(_ID_BYTES), self._now()
        expires_at = at + timedelta(seconds=SESSION_SECONDS)
        await self._store.insert_session(self._key(session), at=at, expires_at=expires_at, max_open=MAX_SESSIONS)
        return session

    async def is_open(self, session: str) -> bool:
        return await self._store.has_session(self._key(session), at=self._now())

    async def end(self, session: str) -> None:
        """End a session, immediately for the checks of this process."""
        await self._store.delete_session(self._key(session))
        for check, checked in self._checks.items():
            if checked == session:
                check.is_valid = False

    def check(self, session: str) -> LiveCheck:
        """Whether the session is still open. While the database is unavailable, it is: there is nothing new to read."""

        async def may_read() -> bool:
            try:
                return await self.is_open(session)
            except (StoreUnavailable, StoreFailure):
                return True

        check = LiveCheck(may_read)
        self._checks[check] = session
        return check

    def _key(self, session: str) -> str:
        return hmac.digest(self._secret, session.encode(), hashlib.sha256).hex()
