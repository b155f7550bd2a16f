"""One reader's feed of all runs: a snapshot of the active ones, then the newest state of each run that changed."""

import asyncio
from collections.abc import Callable
from typing import Final

import anyio

from solorun.errors import SolorunError
from solorun.run import Run

INTERVAL_SECONDS: Final = 0.25
"""How long changes that are not urgent are gathered: each run appears at most four times a second."""
MAX_BACKLOG: Final = 10_000


class FeedOverflow(SolorunError):
    """The reader fell too far behind; it needs a new snapshot."""


class RunFeed:
    """Gathers the changes of all runs for one reader. Opened with `Hub.open_feed`."""

    def __init__(self, list_runs: Callable[[], list[Run]]) -> None:
        self._list_runs = list_runs
        self._changed: dict[int, Run] = {}
        self._urgent = asyncio.Event()
        self._some = asyncio.Event()
        self._last_read_at = 0.0

    def snapshot(self) -> list[Run]:
        """All active runs as committed. `changes` returns what changes from here on."""
        self._clear()
        return self._list_runs()

    async def changes(self) -> list[Run]:
        """Wait for changes; returns the runs that changed since the last call, in the order of their last change.

        A change of status, step or cancel is returned immediately, others at most four times a second. Raises
        FeedOverflow when more runs changed than the feed keeps.
        """
        loop = asyncio.get_running_loop()
        await self._some.wait()
        wait_seconds = self._last_read_at + INTERVAL_SECONDS - loop.time()
        if wait_seconds > 0 and not self._urgent.is_set():
            with anyio.move_on_after(wait_seconds):
                await self._urgent.wait()
        if len(self._changed) > MAX_BACKLOG:
            raise FeedOverflow
        changed = list(self._changed.values())
        self._clear()
        self._last_read_at = loop.time()
        return changed

    def add(self, run: Run, *, urgent: bool) -> None:
        if len(self._changed) <= MAX_BACKLOG:
            self._changed.pop(run.id, None)
            self._changed[run.id] = run
        self._some.set()
        if urgent:
            self._urgent.set()

    def _clear(self) -> None:
        self._changed.clear()
        self._some.clear()
        self._urgent.clear()
