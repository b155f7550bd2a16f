"""Keeps the write-ahead log small: empties it after a pause in writing, and warns when it grows regardless.

It does the same when a secret was erased, which the log still contains.
"""

import asyncio
import logging
import sqlite3
from pathlib import Path
from typing import Final

from solorun.errors import SolorunError
from solorun.stores.sqlite.connection import Connection

IDLE_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 0.1
"""How long a checkpoint that a reader prevents waits for the next attempt."""
WARN_BYTES: Final = 64 * 1024 * 1024

_logger = logging.getLogger("solorun.stores")


class Checkpointer:
    """Empties the log `idle_seconds` after the last recorded write; warns once when it exceeds `warn_bytes`."""

    def __init__(
        self, database: Path, writer: Connection, *, idle_seconds: float = IDLE_SECONDS, warn_bytes: int = WARN_BYTES
    ) -> None:
        self._path = database.with_name(f"{database.name}-wal")
        self._writer = writer
        self._idle_seconds = idle_seconds
        self._warn_bytes = warn_bytes
        self._last_write = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[bool] | None = None
        self._is_large = False
        self._must_empty = False
        self._emptying: asyncio.Task[None] | None = None

    def record_write(self) -> None:
        loop = asyncio.get_running_loop()
        self._last_write = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._idle_seconds, self._check_idle)

    async def checkpoint(self) -> bool:
        """Move the log into the database and truncate it. False if a reader or another program prevents it."""
        try:
            return await self._writer.maintain(_truncate)
        except SolorunError as error:
            _logger.debug("The write-ahead log could not be emptied: %s", error)
            return False

    def empty_soon(self) -> None:
        """Empty the log in the background, retrying until nothing prevents it."""
        self._must_empty = True
        if self._emptying is None or self._emptying.done():
            self._emptying = asyncio.create_task(self._empty(), name="solorun erasure")

    async def stop(self) -> None:
        """Stop the timer, and empty the log one last time."""
        if self._timer is not None:
            self._timer.cancel()
        if self._emptying is not None:
            self._emptying.cancel()
            await asyncio.wait([self._emptying])
        if self._task is not None:
            await self._task
        await self.checkpoint()

    async def _empty(self) -> None:
        while self._must_empty:
            self._must_empty = False
            if not await self.checkpoint():
                self._must_empty = True
                await asyncio.sleep(RETRY_SECONDS)

    def _check_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._warn_if_large()
        idle_at = self._last_write + self._idle_seconds
        if loop.time() < idle_at:
            self._timer = loop.call_at(idle_at, self._check_idle)
        else:
            self._timer = None
            self._task = loop.create_task(self.checkpoint(), name="solorun checkpoint")

    def _warn_if_large(self) -> None:
        try:
            size = self._path.stat().st_size
        except OSError:
            return
        if size > self._warn_bytes and not self._is_large:
            _logger.warning(
                "%s has grown to %d MiB: another program keeps a read transaction open, so it cannot be emptied.",
                self._path.name,
                size // (1024 * 1024),
            )
        self._is_large = size > self._warn_bytes


def _truncate(connection: sqlite3.Connection) -> bool:
    ((timeout,),) = connection.execute("PRAGMA busy_timeout").fetchall()
    connection.execute("PRAGMA busy_timeout = 0").close()  # writes are queued behind this: do not wait for readers
    try:
        ((is_prevented, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {timeout}").close()
    return not is_prevented
