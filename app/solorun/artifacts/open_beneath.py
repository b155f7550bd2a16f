"""Opens a file below a directory, and nothing else."""

import os
import stat
from pathlib import Path
from typing import Final

from solorun.errors import ArtifactNotFound

_DIRECTORY_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO would wait for its writer.
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_beneath(directory: Path, name: str) -> int:
    """A descriptor of the regular file `name` below `directory`, even if the tree changes meanwhile.

    Each part is opened relative to the previous one and no link is followed, so no name and no race leads outside.
    Raises ArtifactNotFound.
    """
    parts = name.split("/")
    missing = ArtifactNotFound(f"There is no artifact {name!a}.")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise missing
    try:
        parent = os.open(directory, _DIRECTORY_FLAGS)
        for part in parts[:-1]:
            parent = _open_at(parent, part, _DIRECTORY_FLAGS)
        file = _open_at(parent, parts[-1], _FILE_FLAGS)
    except (OSError, UnicodeEncodeError):
        raise missing from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise missing
    return file


def _open_at(directory: int, name: str, flags: int) -> int:
    try:
        return os.open(name.encode(), flags, dir_fd=directory)  # UTF-8, whatever the locale
    finally:
        os.close(directory)
