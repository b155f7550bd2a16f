"""The keys of artifacts in an object store. They sort by run, then by name."""

import re
from typing import Final

from solorun.errors import ArtifactNotFound
from solorun.wire.encoding import is_encodable

_ESCAPED: Final = re.compile(r"[\x01-\x1f%\x7f]")
_ESCAPE: Final = re.compile(r"%(0[1-9A-F]|1[0-9A-F]|25|7F)")
_MAX_NAME_BYTES: Final = 880
"""S3 limits a key to 1024 bytes, with the prefix of the bucket and that of the run."""
_KEY: Final = re.compile(r"([0-9]{16})/(.+)", re.ASCII | re.DOTALL)


def run_prefix(run_id: int) -> str:
    """What the keys of a run begin with, up to a slash. Its digits make the order of keys that of runs."""
    return f"{run_id:016d}"


class NameTooLong(ArtifactNotFound):
    """The name is too long for an object store."""


def key_of(run_id: int, name: str) -> str:
    """The key of an artifact. Control characters are escaped, since no key may contain them. Raises ArtifactNotFound.

    A name that no file below a directory can have is no artifact's.
    """
    if any(part in ("", ".", "..") or "\0" in part for part in name.split("/")) or not is_encodable(name):
        raise ArtifactNotFound(f"There is no artifact {name!a}.")
    escaped = _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", name)
    if len(escaped.encode()) > _MAX_NAME_BYTES:
        raise NameTooLong(f"There is no artifact {name[:100]!a}…: its name is too long.")
    return f"{run_prefix(run_id)}/{escaped}"


def parse_key(key: str) -> tuple[int, str] | None:
    """The run and the name of an artifact; None for another object."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    return int(found[1]), _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), found[2])
