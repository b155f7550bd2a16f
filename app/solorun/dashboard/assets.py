"""The files of the built dashboard, read once into memory. `routes.py` sends them."""

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
"""Every type in a build. `mimetypes` depends on the configuration of the machine."""
_COMPRESSIBLE: Final = frozenset({".html", ".js", ".css", ".svg"})


class Asset:
    """The content of a file and its media type."""

    def __init__(self, body: bytes, suffix: str) -> None:
        self.body = body
        self.media_type = _MEDIA_TYPES.get(suffix, "application/octet-stream")
        self._is_compressible = suffix in _COMPRESSIBLE

    @cached_property
    def gzipped(self) -> bytes | None:
        """The compressed content; None for types that are already compressed."""
        return gzip.compress(self.body, mtime=0) if self._is_compressible else None

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'


def read_assets(directory: Path) -> Mapping[str, Asset]:
    """The files under `assets/`, by name. The names contain a hash of the content."""
    found = sorted((directory / "assets").glob("*"))
    return {path.name: Asset(path.read_bytes(), path.suffix) for path in found if path.is_file()}


def read_index(directory: Path, root_path: str) -> Asset | None:
    """The page for every address of the dashboard, with links below `root_path`; None if there is no build."""
    try:
        page = (directory / "index.html").read_text("utf-8")
    except FileNotFoundError:
        return None
    return Asset(page.replace('="./assets/', f'="{root_path}/assets/').encode(), ".html")
