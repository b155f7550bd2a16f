"""Finds out when a database that refused a write can be written again, even if no run has anything to write."""

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
    """After a recorded failure, makes a write without effect every second until one succeeds."""

    def __init__(self, writer: Connection) -> None:
        self._writer = writer
        self._task: asyncio.Task[None] | None = None

    def record_failure(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._probe(), name="solorun probe database")

    async def stop(self) -> None:
        """Safe to call twice. Closing the connection waits for a write that has begun."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _probe(self) -> None:
        while self._writer.error is not None:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                # Any other write is as good a probe, and one that waits for the disk needs no second one behind it.
                if self._writer.error is not None and not self._writer.waiting:
                    await self._writer.transact(_write_without_effect)
            except SolorunError:
                continue


def _write_without_effect(connection: sqlite3.Connection) -> None:
    """Insert into every table and index that a run uses, and roll back. Then rewrite `user_version` with its own value:
    that writes and syncs a page, which an empty transaction would not do.
    """
    connection.execute("SAVEPOINT probe").close()
    run_id = connection.execute(_RUN).lastrowid
    connection.execute(_STEP, (run_id,)).close()
    connection.execute(_SEGMENT, (run_id,)).close()
    connection.execute("ROLLBACK TO probe").close()
    connection.execute("RELEASE probe").close()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}").close()
