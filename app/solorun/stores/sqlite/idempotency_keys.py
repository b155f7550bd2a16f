"""Which run each idempotency key has started: functions for a connection's thread, and which keys may be stored."""

import sqlite3
from datetime import datetime
from typing import Any

from solorun.errors import IdempotencyKeyReused
from solorun.idempotency_key import KEY_LIFETIME, IdempotencyKey
from solorun.run import Run
from solorun.stores.sqlite.queries import QUERIES
from solorun.stores.sqlite.reads import get_run
from solorun.stores.sqlite.rows import to_microseconds


def find_run_by_key(connection: sqlite3.Connection, project: str, key: IdempotencyKey, at: datetime) -> Run | None:
    """Raises IdempotencyKeyReused, RunNotFound."""
    row = connection.execute(QUERIES["select_key"], _values(project, key, at)).fetchone()
    if row is None:
        return None
    run_id, fingerprint = row
    if fingerprint != key.fingerprint:
        raise IdempotencyKeyReused(f"This idempotency key has started run {run_id} with another request.")
    return get_run(connection, run_id)


def record_key(connection: sqlite3.Connection, project: str, key: IdempotencyKey, at: datetime, run_id: int) -> bool:
    """Record the run that the key starts, and delete some expired keys. False if the key has started a run."""
    values = _values(project, key, at)
    connection.execute(QUERIES["delete_expired_keys"], values)
    values |= {"fingerprint": key.fingerprint, "run_id": run_id, "created_at": to_microseconds(at)}
    return connection.execute(QUERIES["insert_key"], values).rowcount > 0


def list_keys(connection: sqlite3.Connection) -> list[tuple[str, bytes]]:
    """The project and the hash of every stored key."""
    return connection.execute(QUERIES["list_keys"]).fetchall()


def _values(project: str, key: IdempotencyKey, at: datetime) -> dict[str, Any]:
    return {"project": project, "key_hash": key.hash, "expired_at": to_microseconds(at - KEY_LIFETIME)}


class RecentKeys:
    """The keys that may be stored, with a few that are not, so that a start with a new key needs no query.

    Complete, because one process owns the data directory. Two sets of numbers take turns, each for a day: a key stays
    for one to two days, and costs 80 bytes.
    """

    def __init__(self) -> None:
        self._older: set[int] = set()
        self._newer: set[int] = set()
        self._newer_since: datetime | None = None

    def add(self, project: str, key_hash: bytes, at: datetime) -> None:
        if self._newer_since is None or at - self._newer_since > KEY_LIFETIME:
            self._older, self._newer, self._newer_since = self._newer, set(), at
        self._newer.add(hash((project, key_hash)))

    def may_contain(self, project: str, key_hash: bytes) -> bool:
        number = hash((project, key_hash))
        return number in self._newer or number in self._older
