"""Finds and ends the processes of a run whose runner, or whose service, has gone. On Linux.

A process belongs to a run when its environment names the data directory and the run, or when it descends from one
that does.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from solorun.steps.environment import ARTIFACTS, RUN_ID
from solorun.steps.shim import (
    HAS_PROC,
    Process,
    find_descendants,
    kill_all,
    list_processes,
    read_proc_file,
    send,
    signal_group,
)
from solorun.steps.shim_process import SHIM_ARGUMENTS

_RUNNER_SECONDS: Final = 0.5
"""So long runners of an earlier service, which kill at once when it dies, may take before we do their work."""
_LOOKS: Final = 2
_LOOK_SECONDS: Final = 0.001
"""A process in the middle of an exec shows no environment for an instant: nobody is left when two looks find nobody."""
_RUNNER_LOOK_SECONDS: Final = 0.01
_MAX_PAUSE_SECONDS: Final = 0.5
_UNKILLABLE_AFTER_SECONDS: Final = 2.0


class OrphanProcesses:
    """What is left of one run.

    `session` is that of a lost runner's command (-1 when it had none yet). With it those of our children count, too,
    that nothing else explains: orphans which fell to us when the runner died, and which have cleared their environment
    and left the session.
    """

    def __init__(
        self, data_dir: Path, run_id: int, warn: Callable[[str], Awaitable[None]], *, session: int | None = None
    ) -> None:
        self._data_dir = os.fsencode(os.path.realpath(data_dir)) + b"/"
        self._run_id = f"{RUN_ID}={run_id}".encode()
        self._name = str(run_id).encode()
        self._session = session
        self._warn = warn
        self._warned: set[int] = set()
        self._seen: dict[int, int] = {}

    async def end(self) -> None:
        """Returns when none is left, however long that takes; `warn` is told what cannot be ended."""
        if self._session is not None and self._session > 0 and not HAS_PROC:
            signal_group(self._session, signal.SIGKILL)
        began = time.monotonic()
        pause = _LOOK_SECONDS
        missed = 0
        while missed < _LOOKS:
            found = await asyncio.to_thread(self._find)
            elapsed = time.monotonic() - began
            if not found:
                missed += 1
                pause = _LOOK_SECONDS
            elif elapsed < _RUNNER_SECONDS and self._session is None and any(map(_is_runner, found)):
                missed = 0
                pause = _RUNNER_LOOK_SECONDS
            else:
                missed = 0
                pause = min(pause * 2, _MAX_PAUSE_SECONDS)
                await self._kill(found, unkillable=elapsed > _UNKILLABLE_AFTER_SECONDS)
            await asyncio.sleep(pause)
        self._reap()

    async def _kill(self, processes: list[Process], *, unkillable: bool) -> None:
        for process in processes:
            send(process.pid, signal.SIGSTOP)  # what stands still cannot fork
        kill_all(processes, spared_group=os.getpgrp())
        for process in processes:
            if unkillable and process.pid not in self._warned:
                self._warned.add(process.pid)
                await self._warn(f"process {process.pid} ({process.name}) cannot be ended; waiting for it")

    def _find(self) -> list[Process]:
        me = os.getpid()
        processes = [process for process in list_processes() if process.pid != me]
        own = [process for process in processes if self._is_own(process)]
        family = own + find_descendants({process.pid for process in own}, processes)
        self._seen |= {process.pid: process.started for process in family}
        return family

    def _is_own(self, process: Process) -> bool:
        if self._seen.get(process.pid) == process.started:
            return True
        environ = read_proc_file(process.pid, "environ").split(b"\0")
        if self._run_id in environ:
            return any(self._names_our_artifacts(variable) for variable in environ)
        if self._session is None:
            return False
        return process.session == self._session or _is_unexplained_child(process, environ)

    def _names_our_artifacts(self, variable: bytes) -> bool:
        name, _, path = variable.partition(b"=")
        if name != ARTIFACTS.encode():
            return False
        path = os.path.realpath(path)
        return path.startswith(self._data_dir) and path.rpartition(b"/")[2] == self._name

    def _reap(self) -> None:
        for pid in self._seen:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue  # another's child


def _is_runner(process: Process) -> bool:
    arguments = read_proc_file(process.pid, "cmdline").split(b"\0")
    return tuple(arguments[1:4]) == tuple(map(os.fsencode, SHIM_ARGUMENTS))


def _is_unexplained_child(process: Process, environ: list[bytes]) -> bool:
    """A child of ours that shares neither session nor environment with us: no step of ours started that."""
    if process.parent != os.getpid() or process.session == os.getsid(0):
        return False
    if any(variable.startswith(RUN_ID.encode()) for variable in environ):
        return False  # another run's
    return not {variable for variable in environ if variable} & _own_environ()


def _own_environ() -> set[bytes]:
    return {name + b"=" + value for name, value in os.environb.items()}
