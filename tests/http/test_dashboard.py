"""How the service serves the dashboard: its page, its files, and preload links."""

import gzip
import json
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from solorun.api.problems import problem_response
from solorun.dashboard import Dashboard
from solorun.errors import Problem
from solorun.http.request import Request
from solorun.http.routing import Router

PAGE = '<script type="module" src="./assets/index-a1b2.js"></script>'
PAGES = [
    {"path": path, "files": files, "requests": requests}
    for path, files, requests in [
        ("/", [], ["projects"]),
        ("/runs", [], []),
        ("/runs/{run}", [], ["runs/{run}"]),
        ("/p/{project}", [], ["projects"]),
        (
            "/p/{project}/runs/{run}",
            ["assets/RunPage-1.js", "assets/RunPage-2.css", "assets/shared-3.js"],
            ["runs/{run}", "runs/{run}/log?limit=120"],
        ),
        ("/p/{project}/runs/{run}/artifacts/{name:path}", [], []),
        ("/compare/{run}/{other}", [], []),
    ]
]
BROWSER = {"accept": "text/html,*/*;q=0.8"}
SCRIPT = "console.log(1);" * 50


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "assets" / "index-a1b2.js").write_text(SCRIPT)
    (tmp_path / "assets" / "inter-c3d4.woff2").write_bytes(b"font")
    (tmp_path / "preload.json").write_text(json.dumps(PAGES))
    return tmp_path


def open_client(directory: Path, root_path: str = "") -> httpx.AsyncClient:
    dashboard = Dashboard(directory)
    router = Router(None, dashboard.endpoints, dashboard.show_not_found)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, public_path=root_path)
        try:
            response = await router.handle(request)
        except Problem as problem:
            response = problem_response(problem, path=request.path)
        await response(scope, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/runs",
        "/runs/7",
        "/p/handbook",
        "/p/handbook/runs/7",
        "/p/handbook/runs/7/artifacts/a/b.md",
        "/compare/1/2",
        "/p/handbook?status=failed",
    ],
)
async def test_every_address_of_the_dashboard_serves_the_page_uncached(built: Path, path: str) -> None:
    async with open_client(built) as client:
        response = await client.get(path)

    assert response.text == '<script type="module" src="/assets/index-a1b2.js"></script>'
    assert response.headers["cache-control"] == "no-cache"


async def test_an_unchanged_page_is_not_sent_again(built: Path) -> None:
    async with open_client(built) as client:
        first = await client.get("/")
        again = await client.get("/", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


async def test_behind_a_proxy_files_are_below_its_path(built: Path) -> None:
    async with open_client(built, "/solorun") as client:
        response = await client.get("/")

    assert 'src="/solorun/assets/index-a1b2.js"' in response.text


async def test_a_run_page_announces_what_it_is_about_to_request(built: Path) -> None:
    async with open_client(built, "/solorun") as client:
        response = await client.get("/p/handbook/runs/7")

    assert response.headers["link"].split(", ") == [
        "</solorun/api/v1/runs/7>; rel=preload; as=fetch; crossorigin",
        "</solorun/api/v1/runs/7/log?limit=120>; rel=preload; as=fetch; crossorigin",
        "</solorun/assets/RunPage-1.js>; rel=modulepreload",
        "</solorun/assets/RunPage-2.css>; rel=preload; as=style; crossorigin",
        "</solorun/assets/shared-3.js>; rel=modulepreload",
    ]


async def test_an_unchanged_page_announces_the_same(built: Path) -> None:
    async with open_client(built) as client:
        first = await client.get("/p/handbook/runs/7")
        again = await client.get("/p/handbook/runs/7", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.headers["link"]) == (304, first.headers["link"])


@pytest.mark.parametrize("run", ["seven", "7%0d%0aset-cookie: x", "7>; rel=x, <y", "9" * 40])
async def test_an_address_without_a_run_id_announces_no_api_request(built: Path, run: str) -> None:
    async with open_client(built) as client:
        response = await client.get(f"/p/handbook/runs/{run}")

    assert "/api/" not in response.headers["link"]
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", ["/", "/runs", "/p/handbook/runs/7"])
async def test_a_build_without_a_list_of_pages_is_served_without_preload_links(built: Path, path: str) -> None:
    (built / "preload.json").unlink()

    async with open_client(built) as client:
        response = await client.get(path, headers=BROWSER)

    assert response.status_code == 200
    assert "index-a1b2.js" in response.text
    assert "link" not in response.headers


@pytest.mark.parametrize(
    ("name", "media_type"), [("index-a1b2.js", "text/javascript; charset=utf-8"), ("inter-c3d4.woff2", "font/woff2")]
)
async def test_a_file_is_cached_for_good(built: Path, name: str, media_type: str) -> None:
    async with open_client(built) as client:
        response = await client.get(f"/assets/{name}")

    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"] == media_type


@pytest.mark.parametrize(
    ("accepted", "name", "encoding"),
    [
        ("gzip, br", "index-a1b2.js", "gzip"),
        ("identity", "index-a1b2.js", None),
        ("gzip", "inter-c3d4.woff2", None),
    ],
)
async def test_text_is_compressed_for_clients_that_accept_it(
    built: Path, accepted: str, name: str, encoding: str | None
) -> None:
    async with (
        open_client(built) as client,
        client.stream("GET", f"/assets/{name}", headers={"accept-encoding": accepted}) as sent,
    ):
        raw = b"".join([piece async for piece in sent.aiter_raw()])

    assert sent.headers.get("content-encoding") == encoding
    assert (gzip.decompress(raw) if encoding else raw) == (built / "assets" / name).read_bytes()


@pytest.mark.parametrize("path", ["/assets/nothing.js", "/assets/../index.html", "/elsewhere"])
async def test_an_unknown_address_is_not_found(built: Path, path: str) -> None:
    async with open_client(built) as client:
        response = await client.get(path)

    assert response.status_code == 404


async def test_a_browser_gets_the_page_with_404_for_an_unknown_address(built: Path) -> None:
    async with open_client(built) as client:
        response = await client.get("/elsewhere", headers=BROWSER)

    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "index-a1b2.js" in response.text


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [("GET", "/elsewhere", "application/json"), ("POST", "/elsewhere", "text/html"), ("GET", "/api/v1/x", "text/html")],
)
async def test_a_program_gets_no_page_for_an_unknown_address(built: Path, method: str, path: str, accept: str) -> None:
    async with open_client(built) as client:
        response = await client.request(method, path, headers={"accept": accept})

    assert response.status_code == 404
    assert "index-a1b2.js" not in response.text


async def test_an_unsupported_method_on_a_known_address_is_refused(built: Path) -> None:
    async with open_client(built) as client:
        response = await client.post("/runs", headers={"accept": "text/html"})

    assert response.status_code == 405


@pytest.mark.parametrize("path", ["/", "/p/handbook"])
async def test_without_a_build_the_page_says_how_to_build_the_dashboard(tmp_path: Path, path: str) -> None:
    async with open_client(tmp_path) as client:
        response = await client.get(path, headers=BROWSER)

    assert response.status_code == 200
    assert "npm run build" in response.text
    assert "Node" in response.text
