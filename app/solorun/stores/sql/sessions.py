"""Browser sessions: functions for a connection's thread, each in one transaction."""

from datetime import datetime

from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.rows import to_microseconds


def insert(connection: Connection, key: str, *, at: datetime, expires_at: datetime, max_open: int) -> None:
    connection.execute(QUERIES["insert_session"], {"key": key, "expires_at": to_microseconds(expires_at)})
    connection.execute(QUERIES["delete_old_sessions"], {"now": to_microseconds(at), "max_open": max_open})


def has(connection: Connection, key: str, *, at: datetime) -> bool:
    row = connection.execute(QUERIES["select_session"], {"key": key, "now": to_microseconds(at)}).fetchone()
    return row is not None


def delete(connection: Connection, key: str) -> None:
    connection.execute(QUERIES["delete_session"], {"key": key})


def count(connection: Connection, *, at: datetime) -> int:
    (found,) = connection.execute(QUERIES["count_sessions"], {"now": to_microseconds(at)}).fetchone()
    return int(found)
