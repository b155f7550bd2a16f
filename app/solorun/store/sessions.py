"""The part of the store's contract that is about browser sessions."""

from datetime import datetime
from typing import Protocol


class SessionStore(Protocol):
    """The open sessions, known by hashes of their ids."""

    async def insert_session(self, key: str, *, at: datetime, expires_at: datetime, max_open: int) -> None:
        """Begin a session. Those that have expired are deleted, and so are the oldest beyond `max_open`."""

    async def has_session(self, key: str, *, at: datetime) -> bool:
        """Whether the session is open and expires after `at`."""

    async def delete_session(self, key: str) -> None:
        """End a session. Safe to call twice."""

    async def count_sessions(self, *, at: datetime) -> int:
        """The number of open sessions."""
