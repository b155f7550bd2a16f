"""Named points before and after each write, and inside of it before every statement: places to be killed at."""

import os
import signal
import sqlite3
from dataclasses import dataclass
from typing import Any

from solorun.stores.sqlite import SqliteRunStore

WRITES = ("insert_run", "request_cancel", "commit", "finalize_run", "compact_segments")
POINTS = (*(f"{when}-{write}" for write in WRITES for when in ("before", "after")), "statement")
"""`statement` is every statement of the writing connection, BEGIN and COMMIT too."""


@dataclass
class KillAt:
    """The point at which the process kills itself, the `count`-th time that it comes there."""

    point: str
    count: int

    def pass_by(self, point: str) -> None:
        if point == self.point:
            self.count -= 1
            if self.count <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


class LabelledStore:
    """Has each write of a store pass its points."""

    def __init__(self, kill_at: KillAt) -> None:
        self._kill_at = kill_at

    async def wrap(self, store: SqliteRunStore) -> None:
        if self._kill_at.point == "statement":
            await store._writer.maintain(self._trace)
        for name in WRITES:
            setattr(store, name, self._label(name, getattr(store, name)))

    def _trace(self, connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(lambda _: self._kill_at.pass_by("statement"))

    def _label(self, name: str, write: Any) -> Any:
        async def labelled(*args: Any, **kwargs: Any) -> Any:
            self._kill_at.pass_by(f"before-{name}")
            result = await write(*args, **kwargs)
            self._kill_at.pass_by(f"after-{name}")
            return result

        return labelled
