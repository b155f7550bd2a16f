"""The built dashboard's files, read once: bytes, and what they are. How they are sent is up to `routes.py`."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

STATIC_DIRECTORY: Final = Path(__file__).parent / "static"

_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
"""All that a build makes. `mimetypes` knows what the machine knows, which is not the same everywhere."""
_COMPRESSIBLE: Final = frozenset({".html", ".js", ".css", ".svg"})


class Asset:
    """A file's bytes and what they are."""

    def __init__(self, body: bytes, suffix: str) -> None:
        self.body = body
        self.media_type = _MEDIA_TYPES.get(suffix, "application/octet-stream")
        self._is_compressible = suffix in _COMPRESSIBLE

    @cached_property
    def gzipped(self) -> bytes | None:
        """The same, smaller; None for what is compressed already."""
        return gzip.compress(self.body, mtime=0) if self._is_compressible else None

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
