"""Kills the processes of a run whose shim or service has died (Linux only).

If only the shim has died, `descent.py` knows the processes. If the service has died too, a process belongs to a run if
its environment names the data directory and the run, or if it descends from one that does.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Final

from solorun.steps.descent import Identities
from solorun.steps.environment import ARTIFACTS, RUN_ID
from solorun.steps.shim import processes as process_table
from solorun.steps.shim.processes import HAS_PROC, Process, read_proc_file
from solorun.steps.shim_process import SHIM_ARGUMENTS

UNKILLABLE_AFTER_SECONDS: Final = 2.0
SHIM_SECONDS: Final = 0.5
"""How long the shims of an earlier service, which kill as soon as it dies, are left to do so before we kill."""
_SCANS: Final = 2
_SCAN_PAUSE_SECONDS: Final = 0.001
"""The environment of a process is empty for an instant during exec, so two scans in a row must find nothing."""
_SHIM_PAUSE_SECONDS: Final = 0.01
_MAX_PAUSE_SECONDS: Final = 0.5
_PREFIX: Final = f"{ARTIFACTS}=".encode()

Select = Callable[[list[Process]], Awaitable[list[Process]]]
"""Selects orphans from the process table. Their descendants need not be included."""


@dataclass(eq=False)
class OrphanProcesses:
    """The remaining processes of one run, as selected by `select` and by their descent from these.

    `session` is that of the lost command, for systems without /proc.
    """

    select: Select
    warn: Callable[[str], Awaitable[None]]
    _: KW_ONLY
    session: int = -1
    shim_seconds: float = 0.0
    unkillable_after_seconds: float = UNKILLABLE_AFTER_SECONDS
    _warned: set[int] = field(default_factory=set, init=False)
    _seen: Identities = field(default_factory=set, init=False)

    async def kill(self) -> None:
        """Return when no process is left, however long that takes. `warn` gets a message about each unkillable one."""
        if self.session > 0 and not HAS_PROC:
            process_table.signal_group(self.session, signal.SIGKILL)
        began = time.monotonic()
        pause = _SCAN_PAUSE_SECONDS
        empty_scans = 0
        while empty_scans < _SCANS:
            found = await self._find()
            elapsed = time.monotonic() - began
            if not found:
                empty_scans += 1
                pause = _SCAN_PAUSE_SECONDS
            elif elapsed < self.shim_seconds and any(map(_artifacts_of_shim, found)):
                empty_scans = 0
                pause = _SHIM_PAUSE_SECONDS
            else:
                empty_scans = 0
                pause = min(pause * 2, _MAX_PAUSE_SECONDS)
                await self._kill(found, unkillable=elapsed > self.unkillable_after_seconds)
            await asyncio.sleep(pause)
        self._reap()

    async def _kill(self, processes: list[Process], *, unkillable: bool) -> None:
        for process in processes:
            process_table.send(process.pid, signal.SIGSTOP)  # a stopped process cannot fork
        process_table.kill_all(processes, spared_group=os.getpgrp())
        for process in processes:
            if unkillable and process.pid not in self._warned:
                self._warned.add(process.pid)
                await self.warn(f"process {process.pid} ({process.name}) cannot be killed; waiting for it")

    async def _find(self) -> list[Process]:
        if not HAS_PROC:
            return []
        listed = await asyncio.to_thread(process_table.list_processes)
        processes = [process for process in listed if process.pid != os.getpid()]
        own = {process.pid: process for process in await self.select(processes)}
        own |= {one.pid: one for one in processes if one.identity in self._seen}
        found = [*own.values(), *process_table.find_descendants(own.keys(), processes)]
        self._seen |= {process.identity for process in found}
        return found

    def _reap(self) -> None:
        for pid, _ in self._seen:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue  # not our child


def select_by_environment(data_dir: Path, run_id: int) -> Select:
    """Select processes whose environment names the data directory and the run, and the run's shims."""
    own = os.path.realpath(data_dir / "artifacts" / str(run_id))
    variable = f"{RUN_ID}={run_id}".encode()

    def is_own(process: Process) -> bool:
        named = [_artifacts_of_shim(process)]
        environ = read_proc_file(process.pid, "environ").split(b"\0")
        if variable in environ:
            named += [entry.removeprefix(_PREFIX) for entry in environ if entry.startswith(_PREFIX)]
        paths = [os.fsdecode(path) for path in named if path]
        return any(os.path.realpath(path) == own or is_same(process, path) for path in paths)

    def is_same(process: Process, path: str) -> bool:
        """Whether the process sees our directory at `path`, where it may be mounted for the process alone."""
        try:
            return Path(f"/proc/{process.pid}/root/{path}").samefile(own)
        except (OSError, ValueError):
            return False

    async def select(processes: list[Process]) -> list[Process]:
        return await asyncio.to_thread(lambda: list(filter(is_own, processes)))

    return select


def _artifacts_of_shim(process: Process) -> bytes:
    """The artifacts directory that a shim was started for; b"" for any other process.

    A shim's environment is closed to other processes; its arguments are not.
    """
    arguments = read_proc_file(process.pid, "cmdline").split(b"\0")
    is_shim = tuple(arguments[1:4]) == tuple(map(os.fsencode, SHIM_ARGUMENTS))
    return b"".join(arguments[7:8]) if is_shim else b""
