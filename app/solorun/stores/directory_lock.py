"""A data directory belongs to one process, which locks it for its lifetime. A second process learns who holds it."""

import fcntl
import json
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from solorun.errors import DataDirectoryUnusable
from solorun.settings import DataDirectory

_NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "ceph", "fuse.glusterfs", "afs", "9p"}
)
_MOUNTS: Final = Path("/proc/self/mountinfo")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_WORKERS: Final = (
    " A web server with several worker processes needs a database that they share, and a data directory for each: run "
    "it with one worker process."
)
_owned: Final[set[tuple[int, int, int]]] = set()
"""The directories of this process, by pid (a fork inherits the set), device and inode."""


@contextmanager
def own_data_directory(directory: DataDirectory, *, owner: str, is_hosted: bool = False) -> Iterator[str | None]:
    """Create the directory if necessary, and lock it while the block runs. The kernel releases the lock after a crash.

    Yields what identifies the directory: no other one has it, on any host, and this one keeps it until the host starts
    again. Earlier processes that have locked the same directory are dead. None if that cannot be known.

    `is_hosted`: this process may be one of several that a web server has started.

    The directory itself is locked, so neither a deleted file nor another path lets a second owner in. Raises
    DataDirectoryUnusable if another process owns the directory, if it is not writable or other users can enter it, or
    if it is on a network file system, where SQLite's locks and shared memory do not work.
    """
    try:
        directory.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(directory.path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise DataDirectoryUnusable(
            f"The data directory {directory.path} cannot be created: {error.strerror}."
        ) from error
    try:
        status = os.fstat(descriptor)
        key = (os.getpid(), status.st_dev, status.st_ino)
        _check(directory, status.st_mode)
        if key in _owned:
            raise DataDirectoryUnusable(
                f"The data directory {directory.path} is in use by another Solorun in this program. Stop that one "
                "first (`await solo.stop()`), or choose another directory."
            )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataDirectoryUnusable(
                f"The data directory {directory.path} is in use by {format_owner(directory)}. "
                f"Stop that service first, or choose another directory.{_WORKERS if is_hosted else ''}"
            ) from None
        try:
            _write_owner_file(directory.owner_file, owner)
        except OSError as error:
            raise DataDirectoryUnusable(
                f"The data directory {directory.path} is not writable: {error.strerror}."
            ) from error
        _owned.add(key)
        try:
            yield _identify(status)
        finally:
            _owned.discard(key)
            directory.owner_file.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def format_owner(directory: DataDirectory) -> str:
    """Who holds the lock, as far as the owner file says: "a running service (pid 4711, since ...)"."""
    try:
        owner = json.loads(directory.owner_file.read_text())
        return f"a running service (pid {owner['pid']}, since {owner['started_at']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "a running service"


def _identify(status: os.stat_result) -> str | None:
    try:
        # A copy of the directory has another inode, and a copy of the whole host another boot.
        return f"{_BOOT_ID.read_text().strip()}/{status.st_dev}/{status.st_ino}"
    except OSError:
        return None


def _check(directory: DataDirectory, mode: int) -> None:
    if (kind := file_system_of(directory.path)) in _NETWORK_FILE_SYSTEMS:
        raise DataDirectoryUnusable(
            f"The data directory {directory.path} is on a network file system ({kind}), where a database can be "
            "corrupted. Choose a directory on a local disk (data_dir, SOLORUN_DATA_DIR, --data-dir)."
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DataDirectoryUnusable(
            f"Other users can enter the data directory {directory.path}, which holds logs and artifacts. "
            f"Run `chmod 700 {shlex.quote(str(directory.path))}`, or choose another directory."
        )
    for entry in directory.path.iterdir():
        # It may have been planted while others could write here.
        if entry.is_symlink() and entry.lstat().st_uid not in (0, os.geteuid()):
            raise DataDirectoryUnusable(
                f"{entry.name} is a symbolic link of another user in the data directory {directory.path}. Remove it."
            )


def _write_owner_file(file: Path, owner: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump({"pid": os.getpid(), "owner": owner, "started_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}, stream)


def file_system_of(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The type of the file system that `path` is on; None if unknown, as on other systems than Linux."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    resolved = path.resolve()
    best: tuple[int, str] | None = None
    for line in lines:
        before, _, after = line.partition(" - ")
        mount_point = Path(before.split()[4].encode().decode("unicode_escape"))
        if resolved.is_relative_to(mount_point):
            depth = len(mount_point.parts)
            # A later mount on the same path hides the earlier one.
            if best is None or depth >= best[0]:
                best = depth, after.split()[0]
    return best[1] if best is not None else None
