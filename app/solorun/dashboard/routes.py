"""The dashboard's endpoints: one HTML page for each of its addresses, and the files that the page consists of.

Browsers revalidate the page on each visit, so that they notice an update. They cache the files for good, because the
names contain a hash.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

from solorun.dashboard.assets import STATIC_DIRECTORY, Asset, read_assets, read_index
from solorun.dashboard.preload import Page, format_links, read_pages
from solorun.errors import NotFound
from solorun.http.operation import Endpoint
from solorun.http.request import Request
from solorun.http.responses import HTML, Response

_NOT_BUILT: Final = (Path(__file__).parent / "not_built.html").read_bytes()
_ROOT_PATHS: Final = 8
"""How many root paths are served from memory. Nearly always there is one."""


class Dashboard:
    """The built dashboard in a directory, served below any root path."""

    def __init__(self, directory: Path = STATIC_DIRECTORY) -> None:
        self._assets = read_assets(directory)
        self._pages = read_pages(directory)
        self._index_at = lru_cache(_ROOT_PATHS)(lambda root_path: read_index(directory, root_path))
        self.endpoints: tuple[Endpoint[object], ...] = (
            *(self._endpoint(page) for page in self._pages or [Page("/")]),
            Endpoint("GET /assets/{name}", self.send_asset),
        )

    async def send_asset(self, _state: object, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise NotFound
        return _send(request, asset, b"public, max-age=31536000, immutable")

    async def show_not_found(self, _state: object, request: Request) -> Response:
        """Respond with the page, which says that nothing exists here, if a person opens the address in a browser.

        Raises NotFound for programs.
        """
        is_navigation = request.method in ("GET", "HEAD") and b"text/html" in request.headers.get(b"accept", b"")
        if not is_navigation or request.path.startswith("/api/"):
            raise NotFound
        response = self._show(request)
        # Without the build's list of pages, every address may be one.
        if self._pages and response.status == 200:
            response.status = 404
        return response

    def _endpoint(self, page: Page) -> Endpoint[object]:
        async def show_page(_state: object, request: Request) -> Response:
            return self._show(request, page)

        # The query belongs to the page's own code.
        return Endpoint(f"GET {page.path}", show_page, query=None)

    def _show(self, request: Request, page: Page | None = None) -> Response:
        index = self._index_at(request.root_path)
        if index is None:
            return Response(_NOT_BUILT, media_type=HTML)
        response = _send(request, index, b"no-cache")
        if page is not None:
            link = format_links(page, request.root_path, request.path_params.get("run"))
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
