"""Preload links: the files and API responses that a page is about to request, announced in the `Link` header of its
response, so that the browser fetches them while it still reads the page. The build lists them in `preload.json`.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

# No fonts: a browser delays the first paint for preloaded ones.
_KINDS: Final = {
    ".js": "rel=modulepreload",
    ".css": "rel=preload; as=style; crossorigin",
}
_RUN_ID: Final = re.compile(r"[0-9]{1,15}", re.ASCII)


class Page(msgspec.Struct, frozen=True):
    """An address of the dashboard, and what its page loads first."""

    path: str
    files: tuple[str, ...] = ()
    """Paths below the dashboard's own."""
    requests: tuple[str, ...] = ()
    """Addresses below `/api/v1`, exactly as the page requests them; `{run}` stands for the run in its address."""


class PreloadLinks:
    """The `Link` header of one page. `root_path` is the path under which a proxy serves the dashboard."""

    def __init__(self, page: Page, root_path: str) -> None:
        self._requests = [
            f"<{root_path}/api/v1/{request}>; rel=preload; as=fetch; crossorigin" for request in page.requests
        ]
        self._files = [f"<{root_path}/{name}>; {_KINDS[Path(name).suffix]}" for name in page.files]

    def header(self, run: str | None) -> str:
        """The header's value, "" without links. `run` comes from the address; unless it is a run's id, no API request
        is announced.
        """
        requests = self._requests if run is None or _RUN_ID.fullmatch(run) else []
        return ", ".join([*(request.replace("{run}", run or "") for request in requests), *self._files])


def read_pages(directory: Path) -> Sequence[Page]:
    """The dashboard's pages as the build lists them; empty if there is no build."""
    try:
        return msgspec.json.decode((directory / "preload.json").read_bytes(), type=tuple[Page, ...])
    except FileNotFoundError:
        return ()
