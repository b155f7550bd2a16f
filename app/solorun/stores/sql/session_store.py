"""The contract of `session_store.py` over SQL."""

from datetime import datetime

from solorun.session_store import SessionStore
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.rows import to_microseconds
from solorun.stores.sql.transactions import SqlTransactions


class SqlSessionStore(SqlTransactions, SessionStore):
    async def insert_session(self, key: str, *, at: datetime, expires_at: datetime, max_open: int) -> None:
        await self._write(_insert, key, at, expires_at, max_open)

    async def has_session(self, key: str, *, at: datetime) -> bool:
        return await self._read(_has, key, at)

    async def delete_session(self, key: str) -> None:
        await self._write(_delete, key)

    async def count_sessions(self, *, at: datetime) -> int:
        return await self._read(_count, at)


def _insert(connection: Connection, key: str, at: datetime, expires_at: datetime, max_open: int) -> None:
    connection.execute(QUERIES["insert_session"], {"key": key, "expires_at": to_microseconds(expires_at)})
    connection.execute(QUERIES["delete_old_sessions"], {"now": to_microseconds(at), "max_open": max_open})


def _has(connection: Connection, key: str, at: datetime) -> bool:
    row = connection.execute(QUERIES["select_session"], {"key": key, "now": to_microseconds(at)}).fetchone()
    return row is not None


def _delete(connection: Connection, key: str) -> None:
    connection.execute(QUERIES["delete_session"], {"key": key})


def _count(connection: Connection, at: datetime) -> int:
    (count,) = connection.execute(QUERIES["count_sessions"], {"now": to_microseconds(at)}).fetchone()
    return int(count)
