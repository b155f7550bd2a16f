"""Finds the files that a run left in its artifact directory. They are recorded nowhere else."""

import heapq
import itertools
import mimetypes
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from solorun.run import Artifact
from solorun.wire.encoding import is_encodable

MAX_ARTIFACTS: Final = 10_000
ENTRIES_PER_SLICE: Final = 256
"""Fewer than Python handles in half a millisecond. Then other threads run, or the event loop would wait for each of its
turns until the interpreter takes them from a scan by force."""
_BREAK_SECONDS: Final = 0.001
_MAX_SKIPPED: Final = 20
_RUN_ID: Final = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
"""What a service can reach. A longer number is no run's, and ids above it could run out."""
_TEXT: Final = (
    *(".cfg", ".conf", ".env", ".ini", ".log", ".toml", ".yaml", ".yml"),
    *(".go", ".kt", ".rb", ".rs", ".rst", ".sql", ".ts", ".tsx"),
)
_MEDIA_TYPES: Final = {
    **dict.fromkeys(_TEXT, "text/plain"),
    ".md": "text/markdown",
    ".ndjson": "application/x-ndjson",
}
_COMPRESSED: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


@dataclass(frozen=True, slots=True)
class ArtifactScan:
    """The artifacts of one run, by name.

    `truncated`: there are more. `skipped` names, with the reason, what is not listed for another reason.
    """

    artifacts: tuple[Artifact, ...]
    truncated: bool = False
    skipped: tuple[str, ...] = ()


def scan_artifacts(directory: Path) -> ArtifactScan:
    """Find the regular files below `directory`: the first 10,000 by name. Blocks: use a thread.

    Leaves out links, other special files, and names that are not UTF-8, because neither JSON nor a URL can express
    them.
    """
    skipped: list[str] = []
    found = heapq.nsmallest(MAX_ARTIFACTS + 1, find_files(directory, skipped), key=lambda file: file[0])
    artifacts: list[Artifact] = []
    if len(found) > MAX_ARTIFACTS:
        skipped.append(f"all after the first {MAX_ARTIFACTS:,} files by name")
    for number, (name, entry) in enumerate(found[:MAX_ARTIFACTS], 1):
        _break_after(number)
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # Gone since it was listed.
        artifacts.append(Artifact(name, status.st_size, media_type_of(name), _date_of(status.st_mtime)))
    return ArtifactScan(tuple(artifacts), len(found) > MAX_ARTIFACTS, tuple(skipped))


def find_last_run_id(artifacts: Path) -> int:
    """The largest id of a run with an artifact directory, 0 if there is none."""
    try:
        names = [entry.name for entry in artifacts.iterdir()]
    except OSError:
        return 0
    return max((int(name) for name in names if _RUN_ID.fullmatch(name)), default=0)


def measure_artifacts(directory: Path) -> int:
    """The size of all files below `directory`."""
    size_bytes = 0
    for _, entry in find_files(directory, []):
        with suppress(OSError):  # gone since it was listed
            size_bytes += entry.stat(follow_symlinks=False).st_size
    return size_bytes


def media_type_of(name: str) -> str:
    """The media type for the name's extension; `application/octet-stream` if unknown."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a name, not a path of this machine
    if suffix in _MEDIA_TYPES:
        return _MEDIA_TYPES[suffix]
    kind, compression = mimetypes.guess_type(name)
    if compression:  # of what the file contains; the file itself has the type of its compression
        kind = _COMPRESSED.get(compression)
    return kind or "application/octet-stream"


def find_files(directory: Path, skipped: list[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield regular files with their names, and append the first others to `skipped`."""
    if directory.is_symlink():
        skipped.append("the artifact directory (symbolic link)")
        return
    numbers = itertools.count(1)
    waiting = [(directory, "")]  # no recursion: a tree may be deeper than Python's stack
    while waiting:
        here, prefix = waiting.pop()
        try:
            scan = os.scandir(here)
        except OSError:
            continue  # Missing, gone since it was listed, or too deep for a path.
        with scan as entries:
            for entry in entries:
                _break_after(next(numbers))
                own_name = os.fsencode(entry.name).decode("utf-8", "surrogateescape")  # whatever the locale
                name = prefix + own_name
                try:
                    reason = _find_obstacle(entry, own_name)
                    if reason is None and entry.is_dir(follow_symlinks=False):
                        waiting.append((here / entry.name, name + "/"))
                    elif reason is None:
                        yield name, entry
                    elif len(skipped) < _MAX_SKIPPED:
                        skipped.append(
                            f"{name.encode(errors='surrogateescape').decode(errors='backslashreplace')} ({reason})"
                        )
                except OSError:
                    continue


def _break_after(number: int) -> None:
    if number % ENTRIES_PER_SLICE == 0:
        time.sleep(_BREAK_SECONDS)


def _find_obstacle(entry: os.DirEntry[str], name: str) -> str | None:
    """Why an entry is not listed, if it is not."""
    if not is_encodable(name):
        return "its name is not UTF-8"
    if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False):
        return None
    if entry.is_symlink():
        return "symbolic link"
    return "FIFO" if stat.S_ISFIFO(entry.stat(follow_symlinks=False).st_mode) else "not a regular file"


def _date_of(seconds: float) -> datetime:
    """A file's timestamp may lie outside the years that a date can express."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC) if seconds > 0 else datetime.min.replace(tzinfo=UTC)
