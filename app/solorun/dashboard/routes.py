"""The dashboard's endpoints: one page for every address that a reader may share, and the files it is made of.

Browsers revalidate the page each time, so that updates show; the files carry a hash in their names and are kept.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

from solorun.dashboard.assets import STATIC_DIRECTORY, Asset, read_assets, read_index
from solorun.dashboard.hints import Hints, Page, PageHints, read_manifest
from solorun.errors import NotFound
from solorun.http.operation import Endpoint
from solorun.http.request import Request
from solorun.http.responses import HTML, Response

_RUN: Final = "src/pages/RunPage.svelte"
PAGES: Final = (
    Page("/", data=("projects",)),
    Page("/runs", "src/pages/RunsPage.svelte"),
    Page("/runs/{run}", _RUN, ("runs/{run}",)),
    Page("/p/{project}", "src/pages/ProjectPage.svelte", ("projects",)),
    # The run first: a log that is older than its run would leave a gap, to be read once more.
    Page("/p/{project}/runs/{run}", _RUN, ("runs/{run}", "runs/{run}/log?limit=120")),
    Page("/p/{project}/runs/{run}/artifacts/{name:path}", "src/pages/ArtifactPage.svelte"),
    Page("/compare/{run}/{other}", "src/pages/ComparePage.svelte"),
)
"""Where the dashboard's own router (`app/dashboard/src/state/router.svelte.ts`) shows something."""

_NOT_BUILT: Final = (Path(__file__).parent / "not_built.html").read_bytes()


class Dashboard:
    """The built dashboard in a directory, served below any root path."""

    def __init__(self, directory: Path = STATIC_DIRECTORY) -> None:
        self._assets = read_assets(directory)
        self._hints = Hints(read_manifest(directory))
        self._index_at = lru_cache(maxsize=8)(lambda root_path: read_index(directory, root_path))
        self.endpoints: tuple[Endpoint[object], ...] = (
            *(self._page(page) for page in PAGES),
            Endpoint("GET /assets/{name}", self.send_asset),
        )

    async def send_asset(self, _state: object, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise NotFound
        return _send(request, asset, b"public, max-age=31536000, immutable")

    async def show_not_found(self, _state: object, request: Request) -> Response:
        """The page, which says that nothing exists here, if a person asks for it. Raises NotFound for programs."""
        is_navigation = request.method in ("GET", "HEAD") and b"text/html" in request.headers.get(b"accept", b"")
        if not is_navigation or request.path.startswith("/api/"):
            raise NotFound
        page = self._show(request)
        page.status = 404
        return page

    def _page(self, page: Page) -> Endpoint[object]:
        hints = self._hints.of(page)

        async def show_page(_state: object, request: Request) -> Response:
            return self._show(request, hints)

        return Endpoint(f"GET {page.path}", show_page)

    def _show(self, request: Request, hints: PageHints | None = None) -> Response:
        index = self._index_at(request.root_path)
        if index is None:
            return Response(_NOT_BUILT, media_type=HTML)
        response = _send(request, index, b"no-cache")
        link = hints.link(request.path_params.get("run"), request.root_path) if hints is not None else ""
        if link:
            response.headers.append((b"link", link.encode("ascii")))
        return response


def _send(request: Request, asset: Asset, cache_control: bytes) -> Response:
    headers = [(b"cache-control", cache_control), (b"etag", asset.etag), (b"vary", b"accept-encoding")]
    if request.headers.get(b"if-none-match") == asset.etag:
        return Response(status=304, media_type=asset.media_type, headers=headers)
    if asset.gzipped is not None and b"gzip" in request.headers.get(b"accept-encoding", b""):
        headers.append((b"content-encoding", b"gzip"))
        return Response(asset.gzipped, media_type=asset.media_type, headers=headers)
    return Response(asset.body, media_type=asset.media_type, headers=headers)
