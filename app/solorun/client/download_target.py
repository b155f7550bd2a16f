"""Saves a download to a file."""

import os
import secrets
import stat
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from errno import EACCES
from pathlib import Path
from typing import BinaryIO

_SPECIAL_DIRECTORIES = ("/dev/", "/proc/")


async def save(stream: AsyncGenerator[bytes], path: Path) -> None:
    """Save the chunks of `stream`, which is closed, to `path`. Opens nothing before the first chunk is here."""
    async with aclosing(stream) as chunks:
        first = await anext(chunks, b"")
        with open_target(path) as file:
            file.write(first)
            async for chunk in chunks:
                file.write(chunk)


@contextmanager
def open_target(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing. A regular file appears, or changes, only when the block ends without an exception.

    It is written under a unique name beside it and then renamed. A symbolic link stays, and the file that it leads to
    is replaced. Anything else is written into: a device, a FIFO, a file with several hard links, and a file whose
    directory cannot be written.
    """
    status = path.stat() if path.exists() else None
    if status is not None and _is_written_into(path, status):
        with path.open("wb") as existing:
            yield existing
        return
    target = Path(os.path.realpath(path))
    if status is not None and not os.access(target, os.W_OK):
        raise PermissionError(EACCES, os.strerror(EACCES), str(path))
    unfinished = target.with_name(f".solorun-{secrets.token_hex(8)}.part")
    try:
        # With the permissions that the user's umask leaves, which `tempfile` would not give.
        file = unfinished.open("xb")
    except OSError as error:
        if status is None or not isinstance(error, PermissionError):
            error.filename = str(path)  # The temporary name would mean nothing to the user.
            raise
        with target.open("wb") as existing:
            yield existing
        return
    try:
        with file:
            yield file
            if status is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _is_written_into(path: Path, status: os.stat_result) -> bool:
    # /dev/stdout can lead to a regular file that the shell has opened.
    is_special = str(path.absolute()).startswith(_SPECIAL_DIRECTORIES)
    return is_special or not stat.S_ISREG(status.st_mode) or status.st_nlink > 1
