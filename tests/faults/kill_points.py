"""Kill points: before and after each write of the store, and before every statement of its writing connection."""

import os
import signal
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.sqlite.connection import Connection

WRITES = ("insert_run", "claim_runs", "request_cancel", "commit", "finalize_run", "compact_segments")
POINTS = (*(f"{when}-{write}" for write in WRITES for when in ("before", "after")), "statement")
"""`statement` is every statement of the writing connection, including BEGIN and COMMIT."""


@dataclass
class KillAt:
    """The process kills itself the `count`-th time it reaches this point."""

    point: str
    count: int

    def reach(self, point: str) -> None:
        if point == self.point:
            self.count -= 1
            if self.count <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


class KillPointStore:
    """Wraps each write of a store with its kill points. The first of its `connections` is the one that writes."""

    def __init__(self, kill_at: KillAt, connections: Sequence[Connection]) -> None:
        self._kill_at = kill_at
        self._connections = connections

    async def wrap(self, store: SqliteRunStore) -> None:
        if self._kill_at.point == "statement":
            await self._connections[0].maintain(self._trace)
        for name in WRITES:
            setattr(store, name, self._wrap_write(name, getattr(store, name)))

    def _trace(self, connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(lambda _: self._kill_at.reach("statement"))

    def _wrap_write(self, name: str, write: Any) -> Any:
        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            self._kill_at.reach(f"before-{name}")
            result = await write(*args, **kwargs)
            self._kill_at.reach(f"after-{name}")
            return result

        return wrapped
