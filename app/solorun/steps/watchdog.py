"""Detects coroutine steps that block the event loop, and the line at which they do.

One thread for the whole service. While a coroutine step is running, it pings the loop four times a second.
"""

import asyncio
import logging
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from solorun.project import Project

if TYPE_CHECKING:
    from solorun.steps.coroutine import CoroutineExecution

_LINGER_SECONDS: Final = 2.0

logger = logging.getLogger("solorun.steps")


@dataclass(frozen=True, slots=True)
class BlockedLoop:
    """`watched` blocks the loop at `place`: file, line and function. The loop last ran at `alive_at` (monotonic)."""

    watched: "CoroutineExecution"
    place: str
    alive_at: float


class Watchdog:
    """Watches the loop of the thread that calls `watch`.

    The loop counts as blocked after `blocked_seconds` without an answer to a ping.
    """

    def __init__(self, *, blocked_seconds: float = 1.0) -> None:
        self._blocked_seconds = blocked_seconds
        self._ping_seconds = blocked_seconds / 4
        self._working = 0
        self._thread: threading.Thread | None = None
        self._needed = threading.Event()
        self._blocked: BlockedLoop | None = None

    async def watch(self, watched: "CoroutineExecution") -> None:
        """Run `watched.work()`, and report to it if it blocks the loop."""
        self._working += 1
        self._needed.set()
        if self._thread is None or not self._thread.is_alive():
            loop, ident = asyncio.get_running_loop(), threading.get_ident()
            self._thread = threading.Thread(
                target=self._observe, args=(loop, ident), name="solorun-watchdog", daemon=True
            )
            self._thread.start()
        try:
            await watched.work()
        finally:
            if self._blocked is not None and self._blocked.watched is watched:
                self._report()  # now: the step's log may be closed by the time the thread reports
            self._working -= 1
            if not self._working:
                self._needed.clear()

    def _report(self) -> None:
        blocked, self._blocked = self._blocked, None
        if blocked is not None:
            seconds = time.monotonic() - blocked.alive_at
            if seconds >= self._blocked_seconds:
                blocked.watched.report_block(seconds, blocked.place)

    def _observe(self, loop: asyncio.AbstractEventLoop, loop_thread: int) -> None:
        try:
            while self._needed.wait(_LINGER_SECONDS):
                alive_at = time.monotonic()
                time.sleep(self._ping_seconds)
                self._ping(loop, loop_thread, alive_at)
        except RuntimeError:
            return  # the loop is closed

    def _ping(self, loop: asyncio.AbstractEventLoop, loop_thread: int, alive_at: float) -> None:
        """Wait for the loop to answer. If it does not, find the blocking step, and report it once the loop runs."""
        alive = threading.Event()
        loop.call_soon_threadsafe(alive.set)
        if alive.wait(self._blocked_seconds - self._ping_seconds):
            return
        found = _find_watched(sys._current_frames().get(loop_thread))
        if found is None:
            return
        watched, place = found
        self._blocked = BlockedLoop(watched, place, alive_at)
        logger.warning("a coroutine step of project %s is blocking the event loop at %s", watched.project.name, place)
        while not alive.wait(self._blocked_seconds) and loop.is_running():
            continue
        loop.call_soon_threadsafe(self._report)


def _find_watched(frame: FrameType | None) -> "tuple[CoroutineExecution, str] | None":
    """Return the step that is on the stack, and the innermost place in its project's code."""
    places: list[tuple[str, str]] = []
    while frame is not None:
        code = frame.f_code
        if code is Watchdog.watch.__code__:
            watched: CoroutineExecution = frame.f_locals["watched"]
            return watched, _place(places, watched.project)
        places.append((code.co_filename, f"{frame.f_lineno} in {code.co_name}"))
        frame = frame.f_back
    return None


def _place(places: list[tuple[str, str]], project: Project) -> str:
    for filename, rest in places:
        path = Path(filename)
        if path.is_relative_to(project.directory) and "site-packages" not in path.parts:
            return f"{path.relative_to(project.directory)}:{rest}"
    # No frame of the project: take the step's function, which is next to the outermost frame.
    filename, rest = places[-2] if len(places) > 1 else ("?", "?")
    return f"{Path(filename).name}:{rest}"
