"""What can happen to the disk under a service that runs: made from outside, and undone."""

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

FieldError = Callable[[ServiceTrial], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def no_file_may_grow(trial: ServiceTrial) -> AsyncIterator[None]:
    """RLIMIT_FSIZE of the live process: every write beyond the first byte fails with EFBIG."""
    pid = trial.service.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@asynccontextmanager
async def syscalls_fail(trial: ServiceTrial, *, calls: str, error: str, when: str = "1+") -> AsyncIterator[None]:
    """strace lets these system calls of the live process fail; `when`: which of them (`3`, or `3+` from it on)."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace: apt-get install strace")
    command = ["strace", "-f", "-p", str(trial.service.pid), "-e", f"trace={calls}", "-o", "/dev/null"]
    process = await asyncio.create_subprocess_exec(
        *command, "-e", f"inject={calls}:error={error}:when={when}", stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    first = await process.stderr.readline()
    if b"attached" not in first:
        pytest.skip(f"strace may not attach here (needs CAP_SYS_PTRACE): {first.decode()}")
    draining = asyncio.create_task(process.stderr.read())
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ends with the process that it watches
            process.send_signal(signal.SIGINT)
        await draining
        await process.wait()


@asynccontextmanager
async def a_foreigner_holds_the_lock(trial: ServiceTrial) -> AsyncIterator[None]:
    """Another program has begun to write, and takes its time."""
    with contextlib.closing(sqlite3.connect(trial.database, isolation_level=None, timeout=5)) as foreigner:
        foreigner.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            foreigner.execute("ROLLBACK")


@asynccontextmanager
async def the_directory_is_away(trial: ServiceTrial) -> AsyncIterator[None]:
    """Somebody has moved the data directory."""
    away = trial.directory / "away"
    trial.service.data_dir.rename(away)
    try:
        yield
    finally:
        if trial.service.data_dir.exists():
            shutil.rmtree(trial.service.data_dir)
        away.rename(trial.service.data_dir)


@asynccontextmanager
async def not_a_byte_is_left(trial: ServiceTrial) -> AsyncIterator[None]:
    """The file system of the data directory is full, and no error is made up."""
    assert trial.service.disk is not None
    with trial.service.disk.filled():
        yield


REALLY_FULL = "a disk that is really full (tmpfs)"
FOREIGN_LOCK = "a foreign BEGIN IMMEDIATE"
FAULTS: dict[str, FieldError] = {
    "no file may grow (RLIMIT_FSIZE)": no_file_may_grow,
    "disk full (ENOSPC)": partial(syscalls_fail, calls="pwrite64", error="ENOSPC"),
    "disk broken (EIO)": partial(syscalls_fail, calls="pwrite64", error="EIO"),
    "read-only (EROFS)": partial(syscalls_fail, calls="pwrite64,ftruncate,openat", error="EROFS"),
    "fsync fails (EIO)": partial(syscalls_fail, calls="fsync,fdatasync", error="EIO"),
    REALLY_FULL: not_a_byte_is_left,
    FOREIGN_LOCK: a_foreigner_holds_the_lock,
    "the data directory is away": the_directory_is_away,
}
