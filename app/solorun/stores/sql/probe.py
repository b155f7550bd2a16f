"""Finds out when a database that refused a write can be written again, even if no run has anything to write."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from solorun.errors import SolorunError
from solorun.stores.sql.connection import Connection

PROBE_SECONDS: Final = 1.0
_INSERTS: Final = (
    "INSERT INTO runs (id, project, scope, status, owner, triggered_by, params, created_at)"
    " VALUES (-1, '', '', 'pending', '', '', '{}', 0)",
    "INSERT INTO steps (run_id, position, name, status) VALUES (-1, 0, '', 'pending')",
    "INSERT INTO segments (id, run_id, first_seq, last_seq, debug_count, info_count, warning_count, error_count,"
    " payload_bytes, payload) VALUES (-1, -1, 1, 1, 0, 0, 0, 0, 0, '')",
)


class Writer(Protocol):
    """The connection, or connections, that a store writes with."""

    @property
    def error(self) -> str | None: ...
    @property
    def waiting(self) -> int: ...


class WriteProbe:
    """After a recorded failure, makes a write without effect every second until one succeeds."""

    def __init__(self, writer: Writer, write_without_effect: Callable[[], Awaitable[object]]) -> None:
        self._writer = writer
        self._write_without_effect = write_without_effect
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
                    await self._write_without_effect()
            except SolorunError:
                continue


def insert_and_undo(connection: Connection) -> None:
    """Insert into every table and index that a run uses, and roll back, within the transaction that is open."""
    for statement in ("SAVEPOINT probe", *_INSERTS, "ROLLBACK TO probe"):
        connection.execute(statement).close()
