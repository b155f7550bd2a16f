"""Tracks by descent which processes belong to which command, whatever session or environment they choose (Linux only).

A shim adopts the orphans below it, and the service, also a subreaper, adopts those of a shim that was killed. A child
of the service in another session was therefore left by a killed shim, unless it is a shim itself, or was a child of the
service while all shims were alive.
"""

import asyncio
import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, Final

from solorun.steps.shim.processes import HAS_PROC, Process, list_processes, read_proc_file
from solorun.steps.shim.program import PR_SET_CHILD_SUBREAPER

SCAN_SECONDS: Final = 1.0
MAX_SKIPPED_SCANS: Final = 14

_HAS_CHILDREN: Final = Path(f"/proc/self/task/{os.getpid()}/children").exists()

Identities = set[tuple[int, int]]
"""Processes by pid and start time."""


@cache
def become_subreaper() -> None:
    """From now on, orphaned descendants become children of this process instead of init's. Safe to call twice."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@dataclass(slots=True)
class _Tracked:
    """A shim, the processes that were its descendants in the last scan, and children of the service that are older."""

    shim: Process
    on_stopped: Callable[[], None]
    older: Identities
    noted: Identities = field(default_factory=set)


class DescentTracker:
    """Knows the commands of one service. Belongs to one event loop.

    While there are commands, it scans the process table: within a second of a change among the children of the service
    and of its shims, and every fifteen seconds anyway.
    """

    _shims: ClassVar[set[int]] = set()
    """The live shims of all services in this process."""

    def __init__(self) -> None:
        self._tracked: dict[int, _Tracked] = {}
        self._unrelated: Identities = set()
        """Other processes below the service, found while all shims were alive."""
        self._scanning: asyncio.Task[None] | None = None

    def find_children(self) -> Identities:
        """The children of the service that are no shims. Call this before a shim is started."""
        return {child.identity for child in self.list_children()}

    def list_children(self) -> list[Process]:
        """The live children of the service that are no shims."""
        return [child for child in _list_children() if child.pid not in self._shims] if HAS_PROC else []

    def find_unrelated(self, processes: Iterable[Process]) -> list[Process]:
        """Those of `processes` that are children of the service, but neither shims nor left by a killed one.

        In doubt, a process in another session counts as left by a shim that is not alive.
        """
        own_session = os.getsid(0)
        has_lost_shim = not all(self._is_alive(tracked.shim) for tracked in self._tracked.values())
        noted = set[tuple[int, int]]().union(*(tracked.noted for tracked in self._tracked.values()))
        return [
            process
            for process in processes
            if process.parent == os.getpid()
            and process.pid not in self._shims
            and process.identity not in noted
            and not (has_lost_shim and process.session != own_session)
        ]

    def add(self, shim: int, older: Identities, on_stopped: Callable[[], None]) -> None:
        """Track a shim, in the same iteration of the event loop that started it.

        `on_stopped` is called in each scan that finds the shim stopped by a signal.
        """
        self._shims.add(shim)
        process = _read_process(shim) if HAS_PROC else None
        if process is None:
            return  # it has been killed already, or cannot be tracked here
        self._tracked[shim] = _Tracked(process, on_stopped, older)
        if self._scanning is None:
            self._scanning = asyncio.create_task(self._scan_repeatedly(), name="process scan")

    def remove(self, shim: int) -> None:
        """Forget a shim that has been reaped and has left no processes."""
        self._shims.discard(shim)
        self._tracked.pop(shim, None)
        if not self._tracked and self._scanning is not None:
            self._scanning.cancel()
            self._scanning = None

    def is_stopped(self, shim: int) -> bool:
        process = _read_process(shim) if shim in self._tracked else None
        return process is not None and process.state == b"T"

    def has_orphans(self, shim: int) -> bool:
        """Whether a shim that has been reaped left processes. Looks at the service's children only."""
        return any(self._is_orphan(shim, child) for child in _list_children())

    def find_orphans(self, shim: int, processes: Iterable[Process]) -> list[Process]:
        """Those of `processes` that a killed shim left, without the descendants of these."""
        return [process for process in processes if self._is_orphan(shim, process)]

    def reap_orphans(self, shim: int) -> None:
        """Reap the exited children that a killed shim left."""
        for child in _list_children(with_zombies=True):
            if child.state == b"Z" and self._is_orphan(shim, child):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child.pid, os.WNOHANG)

    def _is_orphan(self, shim: int, process: Process) -> bool:
        tracked, identity = self._tracked.get(shim), process.identity
        if tracked is None:
            return False
        return identity in tracked.noted or (
            process.parent == os.getpid()
            and process.session != os.getsid(0)
            and process.pid not in self._shims
            and process.started >= tracked.shim.started
            and identity not in tracked.older
            and identity not in self._unrelated
            and not any(identity in other.noted for other in self._tracked.values())
        )

    async def _scan_repeatedly(self) -> None:
        last, skipped = None, 0
        while True:
            await asyncio.sleep(SCAN_SECONDS)
            if (children := self.look()) is not None and children == last and skipped < MAX_SKIPPED_SCANS:
                skipped += 1
                continue
            # Evaluated in the event loop, where no shim can be between its start and its `add`.
            self._note(await asyncio.to_thread(list_processes))
            last, skipped = children, 0

    def look(self) -> tuple[set[int], set[int]] | None:
        """The children of the service and of its shims, and the stopped shims. None where that is not cheap."""
        if not _HAS_CHILDREN:
            return None
        children = {child for pid in (os.getpid(), *self._tracked) for child in _child_pids(pid)}
        return children, {shim for shim in self._tracked if self.is_stopped(shim)}

    def _note(self, processes: list[Process]) -> None:
        living = {process.pid: process for process in processes}
        identities = {process.identity for process in processes}
        for tracked in self._tracked.values():
            tracked.noted &= identities
        strangers: Identities = set()
        for process in processes:
            ancestor = self._find_ancestor(process, living)
            if ancestor in self._tracked:
                self._tracked[ancestor].noted.add(process.identity)
            elif ancestor == os.getpid():
                strangers.add(process.identity)
        self._unrelated &= identities
        if strangers and all(self._is_alive(tracked.shim) for tracked in self._tracked.values()):
            self._unrelated |= strangers
        for tracked in list(self._tracked.values()):
            shim = living.get(tracked.shim.pid)
            if shim is not None and shim.state == b"T":
                tracked.on_stopped()

    def _find_ancestor(self, process: Process, living: dict[int, Process]) -> int:
        """The shim above a process, else this process, else 0. A shim is not below this process in this sense."""
        pid = 0 if process.pid in self._shims else process.parent
        seen: set[int] = set()  # the table is no snapshot, so reused pids may form a cycle
        while pid in living and pid not in seen:
            if pid in self._shims or pid == os.getpid():
                return pid
            seen.add(pid)
            pid = living[pid].parent
        return 0

    def _is_alive(self, shim: Process) -> bool:
        now = _read_process(shim.pid)
        return now is not None and now.started == shim.started and now.state not in b"ZX"


def _list_children(*, with_zombies: bool = False) -> Iterator[Process]:
    """The children of this process, whichever thread started them. Faster than a look at the whole process table."""
    if not _HAS_CHILDREN:
        yield from (process for process in list_processes() if process.parent == os.getpid())
        return
    for pid in _child_pids(os.getpid()):
        process = _read_process(pid)
        if process is not None and (with_zombies or process.state not in b"ZX"):
            yield process


def _child_pids(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            yield from map(int, read_proc_file(pid, f"task/{thread}/children").split())


def _read_process(pid: int) -> Process | None:
    stat = read_proc_file(pid, "stat")
    return Process(pid, stat) if stat else None
