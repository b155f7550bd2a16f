"""Keeps the write-ahead log small: it is emptied when nothing was written for a while, and somebody is told when it
grows although it should not.
"""

import asyncio
import logging
import sqlite3
from pathlib import Path
from typing import Final

from solorun.errors import SolorunError
from solorun.stores.sqlite.connection import Connection

IDLE_SECONDS: Final = 5.0
WARN_BYTES: Final = 64 * 1024 * 1024

_logger = logging.getLogger("solorun.stores")


class Checkpointer:
    """Told of each write; looks after the file beside the database."""

    def __init__(self, database: Path, writer: Connection, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._path = database.with_name(f"{database.name}-wal")
        self._writer = writer
        self._idle_seconds = idle_seconds
        self._last_write = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._emptying: asyncio.Task[None] | None = None
        self._warned = False

    def record_write(self) -> None:
        loop = asyncio.get_running_loop()
        self._last_write = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._idle_seconds, self._look)

    async def empty(self) -> None:
        """Carry everything over into the database, unless a reader or another program stands in the way."""
        try:
            await self._writer.maintain(_truncate)
        except SolorunError as error:
            _logger.debug("The write-ahead log could not be emptied: %s", error)

    async def stop(self) -> None:
        """Look no more, and empty it a last time."""
        if self._timer is not None:
            self._timer.cancel()
        if self._emptying is not None:
            await self._emptying
        await self.empty()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._warn_if_large()
        idle_at = self._last_write + self._idle_seconds
        if loop.time() < idle_at:
            self._timer = loop.call_at(idle_at, self._look)
        else:
            self._timer = None
            self._emptying = loop.create_task(self.empty(), name="solorun empty write-ahead log")

    def _warn_if_large(self) -> None:
        try:
            size = self._path.stat().st_size
        except OSError:
            return
        if size > WARN_BYTES and not self._warned:
            _logger.warning(
                "%s has grown to %d MiB: a program that reads the database without end keeps it from being emptied.",
                self._path.name,
                size // (1024 * 1024),
            )
        self._warned = size > WARN_BYTES


def _truncate(connection: sqlite3.Connection) -> None:
    ((timeout,),) = connection.execute("PRAGMA busy_timeout").fetchall()
    connection.execute("PRAGMA busy_timeout = 0").close()  # writes wait behind this: it must not wait for readers
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {timeout}").close()
