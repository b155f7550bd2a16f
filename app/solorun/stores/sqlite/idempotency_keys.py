"""To which run each idempotency key has led: functions for a connection's thread, and which keys may be stored."""

import sqlite3
from datetime import datetime
from typing import Any

from solorun.errors import IdempotencyKeyReused, StartRepeated
from solorun.idempotency_key import KEY_LIFETIME, IdempotencyKey
from solorun.store import KeyedRun
from solorun.stores.sqlite.queries import QUERIES
from solorun.stores.sqlite.reads import get_run
from solorun.stores.sqlite.rows import to_microseconds


def find_run(connection: sqlite3.Connection, project: str, key: IdempotencyKey, at: datetime) -> KeyedRun | None:
    """Raises IdempotencyKeyReused, RunNotFound."""
    row = connection.execute(QUERIES["select_key"], _values(project, key, at)).fetchone()
    if row is None:
        return None
    run_id, fingerprint, created_at = row
    if fingerprint != key.fingerprint:
        raise IdempotencyKeyReused(f"This idempotency key was used for another request, which led to run {run_id}.")
    run = get_run(connection, run_id)
    # A key that starts a run is recorded with it.
    return KeyedRun(run, joined=created_at != to_microseconds(run.created_at))


def record(connection: sqlite3.Connection, project: str, key: IdempotencyKey, run_id: int, at: datetime) -> None:
    """Record the run to which a key leads, and delete some expired keys. Raises StartRepeated if it has led to one."""
    values = _values(project, key, at)
    connection.execute(QUERIES["delete_expired_keys"], values)
    values |= {"fingerprint": key.fingerprint, "run_id": run_id, "created_at": to_microseconds(at)}
    if not connection.execute(QUERIES["insert_key"], values).rowcount:
        raise StartRepeated


def list_all(connection: sqlite3.Connection) -> list[tuple[str, bytes]]:
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
