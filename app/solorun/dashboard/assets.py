"""The built dashboard's files, read once. `routes.py` sends them."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

STATIC_DIRECTORY: Final = Path(__file__).parent / "static"

_MEDIA_TYPES: Final = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".woff2": b"font/woff2",
}
"""The file types of a build. `mimetypes` would depend on the machine."""
_COMPRESSIBLE: Final = frozenset({".html", ".js", ".css", ".svg"})


class Asset:
    """A file's bytes, media type and ETag."""

    def __init__(self, body: bytes, suffix: str) -> None:
        self.body = body
        self.media_type = _MEDIA_TYPES.get(suffix, b"application/octet-stream")
        self._is_compressible = suffix in _COMPRESSIBLE

    @cached_property
    def gzipped(self) -> bytes | None:
        """The body compressed; None for file types that are already compressed."""
        return gzip.compress(self.body, mtime=0) if self._is_compressible else None

    @cached_property
    def etag(self) -> bytes:
        return b'"%b"' % hashlib.sha256(self.body).hexdigest()[:20].encode("ascii")


def read_assets(directory: Path) -> Mapping[str, Asset]:
    """The files under `assets/`, by name. Their names contain a hash of their contents."""
    found = sorted((directory / "assets").glob("*"))
    return {path.name: Asset(path.read_bytes(), path.suffix) for path in found if path.is_file()}


def read_index(directory: Path, root_path: str) -> Asset | None:
    """The page for every address of the dashboard, with its links below `root_path`; None if it is not built."""
    try:
        page = (directory / "index.html").read_text("utf-8")
    except FileNotFoundError:
        return None
    return Asset(page.replace('="./assets/', f'="{root_path}/assets/').encode(), ".html")
