"""What files a run left in its artifact directory: found by looking, kept nowhere else. Blocking: for threads."""

import mimetypes
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from solorun.run import Artifact

MAX_ARTIFACTS: Final = 10_000
_MEDIA_TYPES: Final = {".md": "text/markdown", ".ndjson": "application/x-ndjson", ".log": "text/plain"}


def list_artifacts(directory: Path) -> list[Artifact]:
    """The regular files below `directory`, by name; at most 10,000.

    Links are not followed and not listed; nor are names that are not UTF-8, which have no form in JSON or an address.
    """
    return sorted(_find_artifacts(directory, ""), key=lambda artifact: artifact.name)[:MAX_ARTIFACTS]


def media_type_of(name: str) -> str:
    """By the name's ending; `application/octet-stream` when that says nothing."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a name, not a path of this machine
    return _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _find_artifacts(directory: Path, prefix: str) -> Iterator[Artifact]:
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return  # Not there, or gone since it was listed.
    for entry in entries:
        name = prefix + entry.name
        if not _is_utf8(entry.name):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _find_artifacts(directory / entry.name, name + "/")
            elif entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                created_at = datetime.fromtimestamp(status.st_mtime, UTC)
                yield Artifact(name, status.st_size, media_type_of(name), created_at)
        except OSError:
            continue


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
