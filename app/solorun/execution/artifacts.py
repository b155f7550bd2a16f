"""What files a run left in its artifact directory: found by looking, kept nowhere else. Blocking: for threads."""

import mimetypes
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from solorun.run import Artifact
from solorun.wire import is_encodable

MAX_ARTIFACTS: Final = 10_000
_MEDIA_TYPES: Final = {".md": "text/markdown", ".ndjson": "application/x-ndjson", ".log": "text/plain"}


def list_artifacts(directory: Path) -> list[Artifact]:
    """The regular files below `directory`, by name; at most 10,000.

    Links are not followed and not listed; nor are names that are not UTF-8, which have no form in JSON or an address.
    """
    return sorted(_find_artifacts(directory), key=lambda artifact: artifact.name)[:MAX_ARTIFACTS]


def media_type_of(name: str) -> str:
    """By the name's ending; `application/octet-stream` when that says nothing."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a name, not a path of this machine
    return _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _find_artifacts(directory: Path) -> Iterator[Artifact]:
    waiting = [(directory, "")]  # not a call in a call: a tree may be deeper than Python's stack
    while waiting:
        here, prefix = waiting.pop()
        try:
            entries = list(os.scandir(here))
        except OSError:
            continue  # Not there, gone since it was listed, or too deep for a path.
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
    """A file may say that it is from a year that has no date."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC) if seconds > 0 else datetime.min.replace(tzinfo=UTC)
