"""Browser sessions, kept in the store: they outlive a restart, and every service that shares the database has them."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakSet

from solorun.errors import StoreFailure, StoreUnavailable
from solorun.session_store import SessionStore

SESSION_SECONDS: Final = 7 * 24 * 3600
MAX_SESSIONS: Final = 1_000

_ID_BYTES: Final = 32


class Sessions:
    """The open sessions. Only keyed hashes of their ids are stored, so another `secret` ends them all."""

    def __init__(self, store: SessionStore, secret: bytes, now: Callable[[], datetime]) -> None:
        self._store = store
        self._secret = secret
        self._now = now
        self._checks: WeakSet[SessionCheck] = WeakSet()

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
        for check in self._checks:
            if check.session == session:
                check.is_open = False

    def check(self, session: str) -> "SessionCheck":
        check = SessionCheck(self, session)
        self._checks.add(check)
        return check

    def _key(self, session: str) -> str:
        return hmac.digest(self._secret, session.encode(), hashlib.sha256).hex()


class SessionCheck:
    """Whether a stream's session is still open. Each call returns the latest answer, and requests a new one.

    While the database is unavailable, the session counts as open: there is nothing new to read.
    """

    def __init__(self, sessions: Sessions, session: str) -> None:
        self.session = session
        self.is_open = True
        self._sessions = sessions
        self._checking: asyncio.Task[None] | None = None

    def __call__(self) -> bool:
        if self.is_open and (self._checking is None or self._checking.done()):
            self._checking = asyncio.create_task(self._check(), name="check of a stream's session")
        return self.is_open

    async def _check(self) -> None:
        with suppress(StoreUnavailable, StoreFailure):
            if not await self._sessions.is_open(self.session):
                self.is_open = False
