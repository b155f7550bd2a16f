"""Finds and kills the processes of a run whose shim or service has died (Linux only).

A process belongs to a run if its environment names the data directory and the run, or if it descends from one that
does.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from solorun.steps import shim
from solorun.steps.environment import ARTIFACTS, RUN_ID
from solorun.steps.shim import HAS_PROC, Process, read_proc_file
from solorun.steps.shim_process import SHIM_ARGUMENTS

UNKILLABLE_AFTER_SECONDS: Final = 2.0
_SHIM_SECONDS: Final = 0.5
"""How long the shims of an earlier service, which kill as soon as it dies, are left to do so before we kill."""
_SCANS: Final = 2
_SCAN_PAUSE_SECONDS: Final = 0.001
"""The environment of a process is empty for an instant during exec, so two scans in a row must find nothing."""
_SHIM_PAUSE_SECONDS: Final = 0.01
_MAX_PAUSE_SECONDS: Final = 0.5
_PREFIX: Final = f"{ARTIFACTS}=".encode()


class OrphanProcesses:
    """The remaining processes of one run.

    `session` is the session of the command whose shim was lost, or -1 if the command had not started. If it is given,
    children of this process that have another session and environment count too: they escaped both, and were
    reparented to this subreaper when the shim died.
    """

    def __init__(
        self,
        data_dir: Path,
        run_id: int,
        warn: Callable[[str], Awaitable[None]],
        *,
        session: int | None = None,
        unkillable_after_seconds: float = UNKILLABLE_AFTER_SECONDS,
        has_proc: bool = HAS_PROC,
    ) -> None:
        self._data_dir = os.fsencode(os.path.realpath(data_dir)) + b"/"
        self._run_id = f"{RUN_ID}={run_id}".encode()
        self._name = str(run_id).encode()
        self._session = session
        self._warn = warn
        self._unkillable_after_seconds = unkillable_after_seconds
        self._has_proc = has_proc
        self._warned: set[int] = set()
        self._seen: dict[int, int] = {}

    async def kill(self) -> None:
        """Return when no process is left, however long that takes. `warn` gets a message about each unkillable one."""
        if self._session is not None and self._session > 0 and not self._has_proc:
            shim.signal_group(self._session, signal.SIGKILL)
        began = time.monotonic()
        pause = _SCAN_PAUSE_SECONDS
        empty_scans = 0
        while empty_scans < _SCANS:
            found = await asyncio.to_thread(self._find)
            elapsed = time.monotonic() - began
            if not found:
                empty_scans += 1
                pause = _SCAN_PAUSE_SECONDS
            elif elapsed < _SHIM_SECONDS and self._session is None and any(map(_artifacts_of_shim, found)):
                empty_scans = 0
                pause = _SHIM_PAUSE_SECONDS
            else:
                empty_scans = 0
                pause = min(pause * 2, _MAX_PAUSE_SECONDS)
                await self._kill(found, unkillable=elapsed > self._unkillable_after_seconds)
            await asyncio.sleep(pause)
        self._reap()

    async def _kill(self, processes: list[Process], *, unkillable: bool) -> None:
        for process in processes:
            shim.send(process.pid, signal.SIGSTOP)  # a stopped process cannot fork
        shim.kill_all(processes, spared_group=os.getpgrp())
        for process in processes:
            if unkillable and process.pid not in self._warned:
                self._warned.add(process.pid)
                await self._warn(f"process {process.pid} ({process.name}) cannot be killed; waiting for it")

    def _find(self) -> list[Process]:
        me = os.getpid()
        processes = [process for process in shim.list_processes() if process.pid != me] if self._has_proc else []
        own = [process for process in processes if self._is_own(process)]
        found = own + shim.find_descendants({process.pid for process in own}, processes)
        self._seen |= {process.pid: process.started for process in found}
        return found

    def _is_own(self, process: Process) -> bool:
        if self._seen.get(process.pid) == process.started:
            return True
        if self._is_our_path(_artifacts_of_shim(process)):
            return True
        environ = read_proc_file(process.pid, "environ").split(b"\0")
        if self._run_id in environ:
            return any(self._is_our_path(v.removeprefix(_PREFIX)) for v in environ if v.startswith(_PREFIX))
        if self._session is None:
            return False
        return process.session == self._session or _is_unexplained_child(process, environ)

    def _is_our_path(self, artifacts: bytes) -> bool:
        path = os.path.realpath(artifacts) if artifacts else b""
        return path.startswith(self._data_dir) and path.rpartition(b"/")[2] == self._name

    def _reap(self) -> None:
        for pid in self._seen:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue  # not our child


def _artifacts_of_shim(process: Process) -> bytes:
    """The artifacts directory that a shim was started for; b"" for any other process.

    A shim's environment is closed to other processes; its arguments are not.
    """
    arguments = read_proc_file(process.pid, "cmdline").split(b"\0")
    is_shim = tuple(arguments[1:4]) == tuple(map(os.fsencode, SHIM_ARGUMENTS))
    return b"".join(arguments[7:8]) if is_shim else b""


def _is_unexplained_child(process: Process, environ: list[bytes]) -> bool:
    """Return whether this child has neither our session nor our environment. No coroutine step starts such a child."""
    if process.parent != os.getpid() or process.session == os.getsid(0):
        return False
    if any(variable.startswith(RUN_ID.encode()) for variable in environ):
        return False  # belongs to another run
    return not {variable for variable in environ if variable} & _own_environ()


def _own_environ() -> set[bytes]:
    return {name + b"=" + value for name, value in os.environb.items()}
