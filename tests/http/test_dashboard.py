"""What the dashboard is made of, as it is handed out."""

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
async def test_every_address_of_the_dashboard_is_the_page_asked_for_each_time(built: Path, path: str) -> None:
    async with ask(built) as client:
        answer = await client.get(path)

    assert answer.text == '<script type="module" src="/assets/index-a1b2.js"></script>'
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_page_that_has_not_changed_is_not_sent_again(built: Path) -> None:
    async with ask(built) as client:
        first = await client.get("/")
        again = await client.get("/", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


async def test_behind_a_proxy_the_files_are_below_its_path(built: Path) -> None:
    async with ask(built, "/solorun") as client:
        answer = await client.get("/")

    assert 'src="/solorun/assets/index-a1b2.js"' in answer.text


async def test_what_a_run_is_shown_with_is_announced_before_the_page_asks_for_it(built: Path) -> None:
    async with ask(built, "/solorun") as client:
        answer = await client.get("/p/handbook/runs/7")

    assert answer.headers["link"].split(", ") == [
        "</solorun/api/v1/runs/7>; rel=preload; as=fetch; crossorigin",
        "</solorun/api/v1/runs/7/log?limit=120>; rel=preload; as=fetch; crossorigin",
        "</solorun/assets/RunPage-1.js>; rel=modulepreload",
        "</solorun/assets/RunPage-2.css>; rel=preload; as=style; crossorigin",
        "</solorun/assets/shared-3.js>; rel=modulepreload",
    ]


async def test_a_page_that_has_not_changed_is_announced_like_a_new_one(built: Path) -> None:
    async with ask(built) as client:
        first = await client.get("/p/handbook/runs/7")
        again = await client.get("/p/handbook/runs/7", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.headers["link"]) == (304, first.headers["link"])


@pytest.mark.parametrize("run", ["seven", "7%0d%0aset-cookie: x", "7>; rel=x, <y", "9" * 40])
async def test_what_is_no_run_is_not_announced(built: Path, run: str) -> None:
    async with ask(built) as client:
        answer = await client.get(f"/p/handbook/runs/{run}")

    assert "/api/" not in answer.headers["link"]
    assert "set-cookie" not in answer.headers


async def test_a_build_that_says_nothing_of_its_files_is_served_all_the_same(built: Path) -> None:
    (built / "manifest.json").unlink()

    async with ask(built) as client:
        answer = await client.get("/runs")

    assert answer.status_code == 200
    assert "link" not in answer.headers


@pytest.mark.parametrize(
    ("name", "media_type"), [("index-a1b2.js", "text/javascript; charset=utf-8"), ("inter-c3d4.woff2", "font/woff2")]
)
async def test_a_file_is_kept_for_good(built: Path, name: str, media_type: str) -> None:
    async with ask(built) as client:
        answer = await client.get(f"/assets/{name}")

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == media_type


@pytest.mark.parametrize(
    ("accepted", "name", "encoding"),
    [
        ("gzip, br", "index-a1b2.js", "gzip"),
        ("identity", "index-a1b2.js", None),
        ("gzip", "inter-c3d4.woff2", None),
    ],
)
async def test_text_is_sent_smaller_to_who_takes_it(
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
async def test_what_is_not_there_is_not_found(built: Path, path: str) -> None:
    async with ask(built) as client:
        answer = await client.get(path)

    assert answer.status_code == 404


async def test_a_browser_that_looks_elsewhere_is_shown_the_page_and_told_that_nothing_is_there(built: Path) -> None:
    async with ask(built) as client:
        answer = await client.get("/elsewhere", headers={"accept": "text/html,*/*;q=0.8"})

    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "index-a1b2.js" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [("GET", "/elsewhere", "application/json"), ("POST", "/elsewhere", "text/html"), ("GET", "/api/v1/x", "text/html")],
)
async def test_a_program_that_looks_elsewhere_is_shown_no_page(
    built: Path, method: str, path: str, accept: str
) -> None:
    async with ask(built) as client:
        answer = await client.request(method, path, headers={"accept": accept})

    assert answer.status_code == 404
    assert "index-a1b2.js" not in answer.text


async def test_a_method_that_a_known_address_lacks_stays_refused(built: Path) -> None:
    async with ask(built) as client:
        answer = await client.post("/runs", headers={"accept": "text/html"})

    assert answer.status_code == 405


async def test_a_service_without_it_says_how_to_build_it(tmp_path: Path) -> None:
    async with ask(tmp_path) as client:
        answer = await client.get("/p/handbook")

    assert answer.status_code == 200
    assert "npm run build" in answer.text
    assert "Node" in answer.text
