"""The dashboard's routes: one HTML page for each of its addresses, and the files that the page consists of.

Browsers revalidate the page on each visit, so that they notice an update. They cache the files for good, because the
names contain a hash.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from solorun.dashboard.assets import STATIC_DIRECTORY, Asset, read_assets, read_index
from solorun.dashboard.preload import Page, PreloadLinks, read_pages

_NOT_BUILT: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Solorun</title>
<h1>The dashboard is not built</h1>
<p>The service is running. You can use it without the dashboard: try <code>solorun runs</code>,
<code>solorun follow</code>, or the HTTP API under <code>/api/v1</code>.</p>
<p>To build the dashboard, install Node (^20.19 or &ge; 22.12), run <code>npm ci</code> and <code>npm run build</code>
in <code>app/dashboard</code>, and restart the service.</p>
</html>
"""

Handler = Callable[[Request], Awaitable[Response]]


def routes(root_path: str = "", directory: Path = STATIC_DIRECTORY) -> list[Route]:
    """`root_path` is the path under which a proxy serves us, without a final slash; `directory` holds the build."""
    index = read_index(directory, root_path)
    assets = read_assets(directory)
    pages = read_pages(directory)

    def show(page: Page, status_code: int = 200) -> Handler:
        links = PreloadLinks(page, root_path)

        async def show_page(request: Request) -> Response:
            if index is None:
                return HTMLResponse(_NOT_BUILT)
            response = _respond(request, index, "no-cache")
            if response.status_code == 200:
                response.status_code = status_code
            link = links.header(request.path_params.get("run"))
            if link:
                response.headers["link"] = link
            return response

        return show_page

    async def send_asset(request: Request) -> Response:
        return _respond(request, _find(assets, request.path_params["name"]), "public, max-age=31536000, immutable")

    # Without the build's list of pages, every address may be one.
    other = Page("/{nowhere:path}")
    return [
        *(Route(page.path, show(page)) for page in pages or [Page("/")]),
        Route("/assets/{name}", send_asset),
        _BrowserRoute(other.path, show(other, 404 if pages else 200)),
    ]


class _BrowserRoute(Route):
    """Any other address that a person opens in a browser. Programs get a problem instead of a page."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        accept = b",".join(value for name, value in scope.get("headers", ()) if name == b"accept")
        match, child = super().matches(scope)
        if match is not Match.FULL or b"text/html" not in accept or scope["path"].startswith("/api/"):
            return Match.NONE, {}
        # A partial match: a route that knows the address but not the method takes precedence.
        return Match.PARTIAL, child


def _find(assets: Mapping[str, Asset], name: str) -> Asset:
    if name not in assets:
        raise HTTPException(404)
    return assets[name]


def _respond(request: Request, asset: Asset, cache_control: str) -> Response:
    headers = {"cache-control": cache_control, "etag": asset.etag, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    if asset.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.gzipped, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=headers)
