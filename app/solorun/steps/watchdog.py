"""Notices that a coroutine step blocks the event loop, and where it stands while it does.

One thread for the service. It works only while coroutine steps do: four times a second it asks the loop for a sign of
life.
"""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final, Protocol

from solorun.project import Project

BLOCKED_SECONDS: Final = 1.0
_ASK_SECONDS: Final = 0.25
_LINGER_SECONDS: Final = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Block:
    """The loop stood still for `seconds`; `place` is file:line and function of the project's code, where it did."""

    seconds: float
    place: str


class Watched(Protocol):
    """A coroutine step: `work` is its frame that is looked for on the loop's stack."""

    @property
    def project(self) -> Project: ...

    def work(self) -> Coroutine[None, None, None]: ...

    def report_block(self, block: Block) -> None: ...


@dataclass(frozen=True, slots=True)
class BlockedLoop:
    """`watched` kept the loop from giving a sign of life; the last one was at `alive_at` (monotonic)."""

    watched: Watched
    place: str
    alive_at: float


class Watchdog:
    """Watches the loop in whose thread `watch` is called."""

    def __init__(self) -> None:
        self._working = 0
        self._thread: threading.Thread | None = None
        self._needed = threading.Event()
        self._sighting: BlockedLoop | None = None

    async def watch(self, watched: Watched) -> None:
        """Do the work of `watched` under watch."""
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
            if self._sighting is not None and self._sighting.watched is watched:
                self._report()  # now: its log may be closed when the observer comes to it
            self._working -= 1
            if not self._working:
                self._needed.clear()

    def _report(self) -> None:
        sighting, self._sighting = self._sighting, None
        if sighting is not None:
            seconds = time.monotonic() - sighting.alive_at
            if seconds >= BLOCKED_SECONDS:
                sighting.watched.report_block(Block(seconds, sighting.place))

    def _observe(self, loop: asyncio.AbstractEventLoop, loop_thread: int) -> None:
        try:
            while self._needed.wait(_LINGER_SECONDS):
                alive_at = time.monotonic()
                time.sleep(_ASK_SECONDS)
                self._ask(loop, loop_thread, alive_at)
        except RuntimeError:
            return  # the loop is closed

    def _ask(self, loop: asyncio.AbstractEventLoop, loop_thread: int, alive_at: float) -> None:
        """Wait for a sign of life; when none comes look where the loop stands, and have it told when it goes on."""
        alive = threading.Event()
        loop.call_soon_threadsafe(alive.set)
        if alive.wait(BLOCKED_SECONDS - _ASK_SECONDS):
            return
        found = _find_watched(sys._current_frames().get(loop_thread))
        if found is None:
            return
        watched, place = found
        self._sighting = BlockedLoop(watched, place, alive_at)
        logger.warning("a coroutine step of project %s blocks the event loop at %s", watched.project.name, place)
        while not alive.wait(BLOCKED_SECONDS) and loop.is_running():
            continue
        loop.call_soon_threadsafe(self._report)


def _find_watched(frame: FrameType | None) -> tuple[Watched, str] | None:
    """The step that is on the stack, and the innermost place in its project's own code."""
    places: list[tuple[str, str]] = []
    while frame is not None:
        code = frame.f_code
        if code is Watchdog.watch.__code__:
            watched: Watched = frame.f_locals["watched"]
            return watched, _place(places, watched.project)
        places.append((code.co_filename, f"{frame.f_lineno} in {code.co_name}"))
        frame = frame.f_back
    return None


def _place(places: list[tuple[str, str]], project: Project) -> str:
    for filename, rest in places:
        path = Path(filename)
        if path.is_relative_to(project.directory) and "site-packages" not in path.parts:
            return f"{path.relative_to(project.directory)}:{rest}"
    # Code from elsewhere: the outermost frame is that of the step's function, after the one that called it.
    filename, rest = places[-2] if len(places) > 1 else ("?", "?")
    return f"{Path(filename).name}:{rest}"
