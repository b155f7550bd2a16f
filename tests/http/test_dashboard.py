"""The dashboard's page and files, as they are served."""

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
MANIFEST = {
    "src/pages/RunPage.svelte": {
        "file": "assets/RunPage-1.js",
        "css": ["assets/RunPage-2.css"],
        "imports": ["_shared"],
    },
    "_shared": {"file": "assets/shared-3.js", "imports": ["_nothing"]},
}
SCRIPT = "console.log(1);" * 50


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "assets" / "index-a1b2.js").write_text(SCRIPT)
    (tmp_path / "assets" / "inter-c3d4.woff2").write_bytes(b"font")
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    return tmp_path


def ask(directory: Path, root_path: str = "") -> httpx.AsyncClient:
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
    ],
)
async def test_every_address_serves_the_page_which_is_revalidated(built: Path, path: str) -> None:
    async with ask(built) as client:
        response = await client.get(path)

    assert response.text == '<script type="module" src="/assets/index-a1b2.js"></script>'
    assert response.headers["cache-control"] == "no-cache"


async def test_an_unchanged_page_is_not_sent_again(built: Path) -> None:
    async with ask(built) as client:
        first = await client.get("/")
        again = await client.get("/", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


async def test_files_are_linked_below_the_public_path(built: Path) -> None:
    async with ask(built, "/solorun") as client:
        response = await client.get("/")

    assert 'src="/solorun/assets/index-a1b2.js"' in response.text


async def test_a_run_page_has_preload_links_for_its_files_and_data(built: Path) -> None:
    async with ask(built, "/solorun") as client:
        response = await client.get("/p/handbook/runs/7")

    assert response.headers["link"].split(", ") == [
        "</solorun/api/v1/runs/7>; rel=preload; as=fetch; crossorigin",
        "</solorun/api/v1/runs/7/log?limit=120>; rel=preload; as=fetch; crossorigin",
        "</solorun/assets/RunPage-1.js>; rel=modulepreload",
        "</solorun/assets/RunPage-2.css>; rel=preload; as=style; crossorigin",
        "</solorun/assets/shared-3.js>; rel=modulepreload",
    ]


async def test_an_unchanged_page_has_the_same_preload_links(built: Path) -> None:
    async with ask(built) as client:
        first = await client.get("/p/handbook/runs/7")
        again = await client.get("/p/handbook/runs/7", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.headers["link"]) == (304, first.headers["link"])


@pytest.mark.parametrize("run", ["seven", "7%0d%0aset-cookie: x", "7>; rel=x, <y", "9" * 40])
async def test_an_invalid_run_has_no_preload_links(built: Path, run: str) -> None:
    async with ask(built) as client:
        response = await client.get(f"/p/handbook/runs/{run}")

    assert "/api/" not in response.headers["link"]
    assert "set-cookie" not in response.headers


async def test_a_build_without_a_manifest_is_served_without_preload_links(built: Path) -> None:
    (built / "manifest.json").unlink()

    async with ask(built) as client:
        response = await client.get("/runs")

    assert response.status_code == 200
    assert "link" not in response.headers


@pytest.mark.parametrize(
    ("name", "media_type"), [("index-a1b2.js", "text/javascript; charset=utf-8"), ("inter-c3d4.woff2", "font/woff2")]
)
async def test_files_are_cached_forever(built: Path, name: str, media_type: str) -> None:
    async with ask(built) as client:
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
async def test_text_is_compressed_if_the_client_accepts_it(
    built: Path, accepted: str, name: str, encoding: str | None
) -> None:
    async with (
        ask(built) as client,
        client.stream("GET", f"/assets/{name}", headers={"accept-encoding": accepted}) as sent,
    ):
        raw = b"".join([piece async for piece in sent.aiter_raw()])

    assert sent.headers.get("content-encoding") == encoding
    assert (gzip.decompress(raw) if encoding else raw) == (built / "assets" / name).read_bytes()


@pytest.mark.parametrize("path", ["/assets/nothing.js", "/assets/../index.html", "/elsewhere"])
async def test_a_missing_file_is_not_found(built: Path, path: str) -> None:
    async with ask(built) as client:
        response = await client.get(path)

    assert response.status_code == 404


async def test_a_browser_gets_the_page_with_404_for_unknown_paths(built: Path) -> None:
    async with ask(built) as client:
        response = await client.get("/elsewhere", headers={"accept": "text/html,*/*;q=0.8"})

    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "index-a1b2.js" in response.text


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [("GET", "/elsewhere", "application/json"), ("POST", "/elsewhere", "text/html"), ("GET", "/api/v1/x", "text/html")],
)
async def test_a_program_gets_no_page_for_unknown_paths(built: Path, method: str, path: str, accept: str) -> None:
    async with ask(built) as client:
        response = await client.request(method, path, headers={"accept": accept})

    assert response.status_code == 404
    assert "index-a1b2.js" not in response.text


async def test_an_unsupported_method_of_a_page_is_refused(built: Path) -> None:
    async with ask(built) as client:
        response = await client.post("/runs", headers={"accept": "text/html"})

    assert response.status_code == 405


async def test_a_missing_build_is_explained(tmp_path: Path) -> None:
    async with ask(tmp_path) as client:
        response = await client.get("/p/handbook")

    assert response.status_code == 200
    assert "npm run build" in response.text
    assert "Node" in response.text
