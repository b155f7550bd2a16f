"""What a page will ask for, announced in the `Link` header of its answer: the browser fetches it while it still reads
the page, and the page's code finds it there. Without a hint all works the same, later.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# No fonts: a browser holds the first paint back for those that are announced.
_KINDS: Final = {
    ".js": "rel=modulepreload",
    ".css": "rel=preload; as=style; crossorigin",
}
_RUN_ID: Final = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """An address of the dashboard: the part that shows it, and what is asked for first."""

    path: str
    part: str | None = None
    """Its source file, unless every page loads it."""
    data: tuple[str, ...] = ()
    """Addresses below `/api/v1`, exactly as they are asked for; `{run}` is the run of the page's own address."""


class Hints:
    """The values of `Link` headers, by page. `manifest` is what the build says of its files; {} says nothing."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._manifest = manifest

    def of(self, page: Page) -> "PageHints":
        files = [] if page.part is None else list(dict.fromkeys(self._files(page.part)))
        return PageHints(files, page.data)

    def _files(self, source: str) -> Iterator[str]:
        """A part's files, and those of the parts it is made of."""
        chunk = self._manifest.get(source)
        if chunk is None:
            return
        yield chunk["file"]
        yield from chunk.get("css", ())
        for other in chunk.get("imports", ()):
            yield from self._files(other)


class PageHints:
    """The hints of one page."""

    def __init__(self, files: Sequence[str], data: Sequence[str]) -> None:
        self._files = files
        self._data = data

    def link(self, run: str | None, root_path: str) -> str:
        """A `Link` header's value, "" without hints. `run` is what the address names as its run, whatever that is."""
        known = self._data if run is None or _RUN_ID.fullmatch(run) else ()
        data = [
            f"<{root_path}/api/v1/{path.replace('{run}', run or '')}>; rel=preload; as=fetch; crossorigin"
            for path in known
        ]
        files = [f"<{root_path}/{name}>; {_KINDS[Path(name).suffix]}" for name in self._files]
        return ", ".join([*data, *files])


def read_manifest(directory: Path) -> Mapping[str, Any]:
    """What the build says of its files; {} when it says nothing."""
    try:
        manifest: Mapping[str, Any] = json.loads((directory / "manifest.json").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return manifest
