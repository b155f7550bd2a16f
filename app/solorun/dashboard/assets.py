"""The built dashboard's files, read once. How they come about is the build's business, how they are sent `routes.py`'s."""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

STATIC_DIRECTORY: Final = Path(__file__).parent / "static"

_COMPRESSIBLE: Final = frozenset({".js", ".css", ".html", ".svg", ".json"})
_CHARSET: Final = "; charset=utf-8"


class Asset:
    """A file's bytes and what they are."""

    def __init__(self, body: bytes, suffix: str) -> None:
        self.body = body
        self._is_text = suffix in _COMPRESSIBLE
        media_type = mimetypes.types_map.get(suffix, "application/octet-stream")
        self.media_type = media_type + _CHARSET if self._is_text else media_type

    @cached_property
    def gzipped(self) -> bytes | None:
        """The same, smaller; None for what is compressed already."""
        return gzip.compress(self.body, mtime=0) if self._is_text else None

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'


def read_assets(directory: Path) -> Mapping[str, Asset]:
    """The files under `assets/`, by name. Their names carry a hash of what is in them."""
    found = sorted((directory / "assets").glob("*"))
    return {path.name: Asset(path.read_bytes(), path.suffix) for path in found if path.is_file()}


def read_index(directory: Path, root_path: str) -> Asset | None:
    """The page that every address of the dashboard answers with, its links below `root_path`; None when not built."""
    try:
        page = (directory / "index.html").read_text("utf-8")
    except FileNotFoundError:
        return None
    return Asset(page.replace('="./assets/', f'="{root_path}/assets/').encode(), ".html")
