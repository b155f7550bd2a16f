"""Finds out that the database can be written again, after it could not: nobody else may have anything to write."""

import asyncio
import sqlite3
from typing import Final

from solorun.errors import SolorunError
from solorun.stores.sqlite.connection import Connection

PROBE_SECONDS: Final = 1.0

_RUN: Final = (
    "INSERT INTO runs (project, scope, status, owner, triggered_by, params, created_at)"
    " VALUES ('', '', 'pending', '', '', '{}', 0)"
)
_STEP: Final = "INSERT INTO steps (run_id, position, name, status) VALUES (?, 0, '', 'pending')"
_SEGMENT: Final = (
    "INSERT INTO segments (run_id, first_seq, last_seq, debug_count, info_count, warning_count, error_count,"
    " payload_bytes, payload) VALUES (?, 1, 1, 0, 0, 0, 0, 0, x'')"
)


class WriteProbe:
    """Told of a write that failed, it writes nothing of importance, again and again, until that goes well."""

    def __init__(self, writer: Connection) -> None:
        self._writer = writer
        self._probing: asyncio.Task[None] | None = None

    def record_failure(self) -> None:
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe(), name="solorun probe database")

    async def stop(self) -> None:
        """Safe twice. A write that is under way is waited for by the connection's own end."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])

    async def _probe(self) -> None:
        while self._writer.error is not None:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                # Others' writes tell as well, and one that waits for the disk must not have a second behind it.
                if self._writer.error is not None and not self._writer.waiting:
                    await self._writer.transact(_write_nothing)
            except SolorunError:
                continue


def _write_nothing(connection: sqlite3.Connection) -> None:
    """Go where a run would go, in every table and index, and take it back. Then a page is written and synchronised,
    with what it holds already: an empty transaction would write none.
    """
    connection.execute("SAVEPOINT probe").close()
    run_id = connection.execute(_RUN).lastrowid
    connection.execute(_STEP, (run_id,)).close()
    connection.execute(_SEGMENT, (run_id,)).close()
    connection.execute("ROLLBACK TO probe").close()
    connection.execute("RELEASE probe").close()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}").close()
