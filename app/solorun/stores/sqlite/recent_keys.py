"""Which idempotency keys may be stored, so that a start with a new key needs no query."""

from datetime import UTC, datetime

from solorun.idempotency_key import KEY_LIFETIME
from solorun.stores.sql.connection import Connection


class RecentKeys:
    """The keys that may be stored, and a few that are not.

    Complete, because one process owns the data directory. Two sets of numbers take turns, each for a day: a key stays
    for one to two days, and costs 80 bytes.
    """

    def __init__(self) -> None:
        self._older: set[int] = set()
        self._newer: set[int] = set()
        self._newer_since: datetime | None = None

    def load(self, connection: Connection) -> None:
        """Add the keys that are stored. For the connection's thread, before any start."""
        for project, key_hash in connection.execute("SELECT project, key_hash FROM idempotency_keys"):
            self.add(project, key_hash, datetime.now(UTC))

    def add(self, project: str, key_hash: bytes, at: datetime) -> None:
        if self._newer_since is None or at - self._newer_since > KEY_LIFETIME:
            self._older, self._newer, self._newer_since = self._newer, set(), at
        self._newer.add(hash((project, key_hash)))

    def may_contain(self, project: str, key_hash: bytes) -> bool:
        number = hash((project, key_hash))
        return number in self._newer or number in self._older
