"""To which run each idempotency key has led: functions for a connection's thread, in its transaction."""

from datetime import datetime
from typing import Any

from solorun.errors import IdempotencyKeyReused, StartRepeated
from solorun.idempotency_key import KEY_LIFETIME, IdempotencyKey
from solorun.queueing import StartResult
from solorun.store import KeyedRun
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.reads import get_run
from solorun.stores.sql.rows import to_microseconds


def find_run(connection: Connection, project: str, key: IdempotencyKey, *, at: datetime) -> KeyedRun | None:
    row = connection.execute(QUERIES["select_key"], _values(project, key, at)).fetchone()
    if row is None:
        return None
    run_id, fingerprint, result = row
    if fingerprint != key.fingerprint:
        raise IdempotencyKeyReused(f"This idempotency key was used for another request, which led to run {run_id}.")
    return KeyedRun(get_run(connection, run_id), StartResult(result))


def record(
    connection: Connection, project: str, key: IdempotencyKey, run_id: int, result: StartResult, at: datetime
) -> None:
    values = _values(project, key, at)
    connection.execute(QUERIES["delete_expired_keys"], values)
    values |= {
        "fingerprint": key.fingerprint,
        "run_id": run_id,
        "result": result,
        "acknowledged": int(result is StartResult.JOINED),
        "created_at": to_microseconds(at),
    }
    if not connection.execute(QUERIES["insert_key"], values).rowcount:
        raise StartRepeated


def record_join(connection: Connection, project: str, key: IdempotencyKey, run_id: int, *, at: datetime) -> None:
    record(connection, project, key, run_id, StartResult.JOINED, at)


def acknowledge(connection: Connection, project: str, key: IdempotencyKey, *, at: datetime) -> bool:
    return connection.execute(QUERIES["acknowledge_key"], _values(project, key, at)).rowcount > 0


def _values(project: str, key: IdempotencyKey, at: datetime) -> dict[str, Any]:
    return {"project": project, "key_hash": key.hash, "expired_at": to_microseconds(at - KEY_LIFETIME)}
