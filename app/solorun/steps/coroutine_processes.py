"""Ends the processes that coroutine steps start without `step.run` and leave behind (Linux only).

They are children of the service, directly or once their parent has exited (see `descent`). The kernel does not say
which coroutine started a child: it belongs to the last coroutine to end of those that were running when it started. In
a host application, a child may be the host's, and nothing is ended.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from solorun.steps.descent import DescentTracker, Identities
from solorun.steps.orphans import OrphanProcesses
from solorun.steps.process_names import format_processes
from solorun.steps.shim.processes import HAS_PROC, Process, find_descendants, list_processes, read_proc_file

EXIT_SECONDS: Final = 0.5
"""How long processes that outlive their coroutine may take to exit."""
_TICK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A coroutine's lifetime: when it began, in clock ticks since boot, and the service's children at that time."""

    began: int
    older: Identities

    def covers(self, process: Process) -> bool:
        return process.started >= self.began and process.identity not in self.older


class CoroutineProcesses:
    """The processes of all coroutine steps of one service."""

    def __init__(self, tracker: DescentTracker, *, owns_process: bool, unkillable_after_seconds: float) -> None:
        self._tracker = tracker
        self._owns_process = owns_process
        self._unkillable_after_seconds = unkillable_after_seconds
        self._running: set[Span] = set()

    def begin(self) -> Span:
        """Call this before a coroutine begins."""
        span = Span(_ticks_since_boot(), self._tracker.find_children())
        self._running.add(span)
        return span

    async def end(self, span: Span, warn: Callable[[str], Awaitable[None]], mask: Callable[[str], str]) -> None:
        """Return when no process of the coroutine is left, except those that may belong to one that is running."""
        self._running.remove(span)

        async def select(processes: list[Process]) -> list[Process]:
            found = self._tracker.find_unrelated(processes)
            others, helpers = self._running, _find_helpers()
            return [
                one
                for one in found
                if span.covers(one) and one.pid not in helpers and not any(other.covers(one) for other in others)
            ]

        deadline = asyncio.get_running_loop().time() + EXIT_SECONDS
        while self._owns_process and (left := await select(self._tracker.list_children())):
            if asyncio.get_running_loop().time() >= deadline:
                processes = await asyncio.to_thread(list_processes)
                left += find_descendants({process.pid for process in left}, processes)
                await warn(f"coroutine ended; killing the processes it left behind: {format_processes(left, mask)}")
                orphans = OrphanProcesses(select, warn, unkillable_after_seconds=self._unkillable_after_seconds)
                await orphans.kill()
                return
            await asyncio.sleep(_TICK_SECONDS)


def _find_helpers() -> set[int]:
    """The processes in which multiprocessing tracks resources and forks, unless they have children.

    They serve every coroutine, whichever started them, and exit with the service, which holds the other ends of their
    pipes. If they were killed, the next pool would warn.
    """
    tracker = getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)
    server = getattr(sys.modules.get("multiprocessing.forkserver"), "_forkserver", None)
    pids = getattr(tracker, "_pid", None), getattr(server, "_forkserver_pid", None)
    return {pid for pid in pids if pid is not None and not read_proc_file(pid, f"task/{pid}/children")}


def _ticks_since_boot() -> int:
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")) if HAS_PROC else 0
