"""Finds the files that a run left in its artifact directory. They are recorded nowhere else. Blocks: use a thread."""

import mimetypes
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from solorun.run import Artifact
from solorun.wire import is_encodable

MAX_ARTIFACTS: Final = 10_000
_RUN_ID: Final = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
"""What a service can reach. A longer number is no run's, and ids above it could run out."""
_MEDIA_TYPES: Final = {".md": "text/markdown", ".ndjson": "application/x-ndjson", ".log": "text/plain"}


def list_artifacts(directory: Path) -> list[Artifact]:
    """The regular files below `directory`, sorted by name, at most 10,000.

    Leaves out links, and names that are not UTF-8, because neither JSON nor a URL can express them.
    """
    return sorted(_find_artifacts(directory), key=lambda artifact: artifact.name)[:MAX_ARTIFACTS]


def find_last_run_id(artifacts: Path) -> int:
    """The largest id of a run with an artifact directory, 0 if there is none."""
    try:
        names = [entry.name for entry in artifacts.iterdir()]
    except OSError:
        return 0
    return max((int(name) for name in names if _RUN_ID.fullmatch(name)), default=0)


def media_type_of(name: str) -> str:
    """The media type for the name's extension; `application/octet-stream` if unknown."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a name, not a path of this machine
    return _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _find_artifacts(directory: Path) -> Iterator[Artifact]:
    waiting = [(directory, "")]  # no recursion: a tree may be deeper than Python's stack
    while waiting:
        here, prefix = waiting.pop()
        try:
            entries = list(os.scandir(here))
        except OSError:
            continue  # Missing, gone since it was listed, or too deep for a path.
        for entry in entries:
            if not is_encodable(entry.name):
                continue
            name = prefix + entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((here / entry.name, name + "/"))
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield Artifact(name, status.st_size, media_type_of(name), _date_of(status.st_mtime))
            except OSError:
                continue


def _date_of(seconds: float) -> datetime:
    """A file's timestamp may lie outside the years that a date can express."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC) if seconds > 0 else datetime.min.replace(tzinfo=UTC)
