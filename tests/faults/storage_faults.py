"""Storage faults that are caused from outside a running service, and removed again."""

import asyncio
import contextlib
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import pytest

from tests.faults.service_trial import ServiceTrial

StorageFault = Callable[[ServiceTrial], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def file_size_limit(trial: ServiceTrial) -> AsyncIterator[None]:
    """Sets RLIMIT_FSIZE of the running process: writes beyond the first byte fail with EFBIG."""
    pid = trial.service.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@asynccontextmanager
async def syscalls_fail(trial: ServiceTrial, *, calls: str, error: str, when: str = "1+") -> AsyncIterator[None]:
    """strace makes system calls of the running process fail. `when`: which calls (`3`, or `3+` from the third on)."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace: apt-get install strace")
    command = ["strace", "-f", "-p", str(trial.service.pid), "-e", f"trace={calls}", "-o", "/dev/null"]
    process = await asyncio.create_subprocess_exec(
        *command, "-e", f"inject={calls}:error={error}:when={when}", stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    first = await process.stderr.readline()
    if b"attached" not in first:
        pytest.skip(f"attaching strace needs CAP_SYS_PTRACE: {first.decode()}")
    draining = asyncio.create_task(process.stderr.read())
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ends with the traced process
            process.send_signal(signal.SIGINT)
        await draining
        await process.wait()


@asynccontextmanager
async def another_process_holds_the_lock(trial: ServiceTrial) -> AsyncIterator[None]:
    """Another process holds an open write transaction."""
    with contextlib.closing(sqlite3.connect(trial.database, isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@asynccontextmanager
async def data_directory_moved_away(trial: ServiceTrial) -> AsyncIterator[None]:
    """The data directory has been moved."""
    away = trial.directory / "away"
    trial.service.data_dir.rename(away)
    try:
        yield
    finally:
        if trial.service.data_dir.exists():
            shutil.rmtree(trial.service.data_dir)
        away.rename(trial.service.data_dir)


@asynccontextmanager
async def disk_is_full(trial: ServiceTrial) -> AsyncIterator[None]:
    """The file system of the data directory is full; no error is injected."""
    assert trial.service.disk is not None
    with trial.service.disk.filled():
        yield


FULL_TMPFS = "a genuinely full disk (tmpfs)"
FOREIGN_LOCK = "BEGIN IMMEDIATE in another process"
DISK_FULL = "disk full (ENOSPC)"
DIRECTORY_MOVED = "the data directory is missing"
FAULTS: dict[str, StorageFault] = {
    "file size limit (RLIMIT_FSIZE)": file_size_limit,
    DISK_FULL: partial(syscalls_fail, calls="pwrite64", error="ENOSPC"),
    "disk broken (EIO)": partial(syscalls_fail, calls="pwrite64", error="EIO"),
    "read-only (EROFS)": partial(syscalls_fail, calls="pwrite64,ftruncate,openat", error="EROFS"),
    "fsync fails (EIO)": partial(syscalls_fail, calls="fsync,fdatasync", error="EIO"),
    FULL_TMPFS: disk_is_full,
    FOREIGN_LOCK: another_process_holds_the_lock,
    DIRECTORY_MOVED: data_directory_moved_away,
}
