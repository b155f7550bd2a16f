"""The dashboard's routes: one page for every address a reader may share, and the files it is made of.

The page is asked for again each time, so that an update shows; its files carry a hash in their names and are kept.
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
from solorun.dashboard.hints import Hints, Page, PageHints, read_manifest

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

_NOT_BUILT: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Solorun</title>
<h1>The dashboard is not built</h1>
<p>The service is running, and all else of it works: <code>solorun runs</code>, <code>solorun follow</code>, the HTTP
API under <code>/api/v1</code>.</p>
<p>To build the dashboard install Node (^20.19 or &ge; 22.12), run <code>npm ci</code> and <code>npm run build</code> in
<code>app/dashboard</code>, and start the service again.</p>
</html>
"""


def routes(root_path: str = "", directory: Path = STATIC_DIRECTORY) -> list[Route]:
    """`root_path` is where a proxy serves us, without a final slash; `directory` holds what was built."""
    index = read_index(directory, root_path)
    assets = read_assets(directory)
    hints = Hints(read_manifest(directory), root_path)

    def show(hints: PageHints | None) -> Callable[[Request], Awaitable[Response]]:
        async def show_page(request: Request) -> Response:
            if index is None:
                return HTMLResponse(_NOT_BUILT)
            answer = _answer(request, index, "no-cache")
            link = hints.link(request.path_params.get("run")) if hints is not None else ""
            if link:
                answer.headers["link"] = link
            return answer

        return show_page

    async def send_asset(request: Request) -> Response:
        return _answer(request, _find(assets, request.path_params["name"]), "public, max-age=31536000, immutable")

    async def show_not_found(request: Request) -> Response:
        page = await show(None)(request)
        page.status_code = 404
        return page

    return [
        *(Route(page.path, show(hints.of(page))) for page in PAGES),
        Route("/assets/{name}", send_asset),
        _Elsewhere("/{nowhere:path}", show_not_found),
    ]


class _Elsewhere(Route):
    """Any other address that somebody looks for in a browser: the page says so, in place of a problem."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        accept = b",".join(value for name, value in scope.get("headers", ()) if name == b"accept")
        match, child = super().matches(scope)
        if match is not Match.FULL or b"text/html" not in accept or scope["path"].startswith("/api/"):
            return Match.NONE, {}
        # Less than a whole match: another route that knows the address, though not the method, comes first.
        return Match.PARTIAL, child


def _find(assets: Mapping[str, Asset], name: str) -> Asset:
    if name not in assets:
        raise HTTPException(404)
    return assets[name]


def _answer(request: Request, asset: Asset, cache_control: str) -> Response:
    headers = {"cache-control": cache_control, "etag": asset.etag, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    if asset.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.gzipped, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=headers)
