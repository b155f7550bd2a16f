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
    "js": "rel=modulepreload",
    "css": "rel=preload; as=style; crossorigin",
}
_RUN_ID: Final = re.compile(r"[0-9]{1,15}", re.ASCII)


class Page(msgspec.Struct, frozen=True):
    """An address of the dashboard, and what its page loads first."""

    path: str
    files: tuple[str, ...] = ()
    """Paths below the dashboard's own."""
    requests: tuple[str, ...] = ()
    """Addresses below `/api/v1`, exactly as the page requests them; `{run}` stands for the run in its address."""


def format_links(page: Page, root_path: str, run: str | None) -> str:
    """The `Link` header of a page, "" without links. `root_path` is the path under which a proxy serves the dashboard.

    `run` comes from the address; unless it is a run's id, no API request is announced.
    """
    requests = page.requests if run is None or _RUN_ID.fullmatch(run) else ()
    paths = [f"/api/v1/{request.replace('{run}', run or '')}" for request in requests]
    return ", ".join(
        [
            *(f"<{root_path}{path}>; rel=preload; as=fetch; crossorigin" for path in paths),
            *(f"<{root_path}/{name}>; {_KINDS[name.rpartition('.')[2]]}" for name in page.files),
        ]
    )


def read_pages(directory: Path) -> Sequence[Page]:
    """The dashboard's pages as the build lists them; empty if there is no build."""
    try:
        return msgspec.json.decode((directory / "preload.json").read_bytes(), type=tuple[Page, ...])
    except FileNotFoundError:
        return ()
