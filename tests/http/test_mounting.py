"""The application inside another one: it works on any path, and every address it produces includes that path."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from solorun.api import Application
from solorun.dashboard import Dashboard
from tests.fakes.application import BASE_URL, TOKEN, OpenServed

MOUNTS = ["/runs", "/tools/runs", "/api/v1", "/büro"]
HTML = {"accept": "text/html"}
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A built dashboard."""
    (tmp_path / "built" / "assets").mkdir(parents=True)
    (tmp_path / "built" / "index.html").write_text('<script src="./assets/a.js"></script>')
    (tmp_path / "built" / "assets" / "a.js").write_text("a")
    addresses = ("/", "/runs/{run}", "/p/{project}")
    pages = [{"path": address, "files": [], "requests": ["projects"]} for address in addresses]
    (tmp_path / "built" / "preload.json").write_text(json.dumps(pages))
    return tmp_path / "built"


def host(path: str, app: ASGIApp) -> ASGIApp:
    """An application that mounts `app`, each segment of the path in a mount of its own."""
    for segment in reversed(path.strip("/").split("/")):
        app = Starlette(routes=[Mount(f"/{segment}", app)])
    return app


@asynccontextmanager
async def mounted(open_served: OpenServed, path: str, built: Path, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that is mounted at `path`; it does not know that path."""
    async with open_served(**settings) as served:
        dashboard = Dashboard(built)
        app = host(path, Application(served.service, dashboard.endpoints, dashboard.show_not_found))
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            yield client


@pytest.mark.parametrize("path", MOUNTS)
async def test_addresses_of_runs_and_problems_include_the_mount(
    open_served: OpenServed, built: Path, path: str
) -> None:
    async with mounted(open_served, path, built) as client:
        started = await client.post(f"{path}/api/v1/projects/deploy/runs")
        conflict = await client.post(f"{path}/api/v1/projects/deploy/runs")
        shown = await client.get(started.headers["location"])
        await client.post(f"{path}/api/v1/projects/handbook/runs")
        listed = await client.get(f"{path}/api/v1/runs?limit=1")
        following = await client.get(listed.links["next"]["url"])
        missing = await client.get(f"{path}/api/v1/runs/77")

    address = f"{path}/api/v1/runs/1"
    assert unquote(started.headers["location"]) == address
    assert [unquote(link) for link in conflict.json()["links"].values()] == [
        address,
        f"{address}/events",
        f"{address}/cancel",
    ]
    assert unquote(conflict.json()["instance"]) == f"{path}/api/v1/projects/deploy/runs"
    assert shown.json()["id"] == 1
    assert [run["id"] for run in following.json()["runs"]] == [1]
    assert unquote(missing.json()["instance"]) == f"{path}/api/v1/runs/77"


@pytest.mark.parametrize("path", MOUNTS)
async def test_the_document_of_a_mounted_application_names_its_path(
    open_served: OpenServed, built: Path, path: str
) -> None:
    async with mounted(open_served, path, built) as client:
        document = (await client.get(f"{path}/openapi.json")).json()
        alive = await client.get(f"{path}/livez")

    assert [unquote(server["url"]) for server in document["servers"]] == [path]
    assert alive.status_code == 200


@pytest.mark.parametrize("path", MOUNTS)
async def test_the_login_of_a_mounted_application_stays_below_the_mount(
    open_served: OpenServed, built: Path, path: str
) -> None:
    async with mounted(open_served, path, built, token=TOKEN) as client:
        refused = await client.get(f"{path}/runs?status=failed", headers=HTML)
        page = await client.get(refused.headers["location"])
        login = await client.post(f"{path}/login", data={"token": TOKEN, "next": "/runs"}, headers=SAME_ORIGIN)
        listed = await client.get(f"{path}/api/v1/runs")
        outside = await client.get("/elsewhere")
        logout = await client.post(f"{path}/logout", headers=SAME_ORIGIN)

    assert unquote(unquote(refused.headers["location"])) == f"{path}/login?next=/runs?status=failed"
    assert unquote(page.text).count(f'="{path}/login') == 2
    assert unquote(login.headers["location"]) == f"{path}/runs"
    assert f"Path={path};" in unquote(login.headers["set-cookie"])
    assert (listed.status_code, outside.status_code) == (200, 404)
    assert unquote(logout.headers["location"]) == f"{path}/login"


@pytest.mark.parametrize("path", MOUNTS)
async def test_a_mounted_dashboard_loads_its_files_and_data_below_the_mount(
    open_served: OpenServed, built: Path, path: str
) -> None:
    async with mounted(open_served, path, built) as client:
        page = await client.get(f"{path}/p/deploy")
        script = await client.get(page.text.partition('src="')[2].partition('"')[0])
        missing = await client.get(f"{path}/elsewhere", headers=HTML)

    assert f'src="{path}/assets/a.js"' in unquote(page.text)
    assert f"<{path}/api/v1/projects>" in unquote(page.headers["link"])
    assert script.text == "a"
    assert (missing.status_code, missing.text) == (404, page.text)


@pytest.mark.parametrize(
    ("path", "public_path"),
    [
        ("/runs", "/runs"),
        ("/runs", "/tools/runs"),
        ("/tools/runs", "/solorun"),
    ],
)
async def test_the_public_url_takes_precedence_over_the_mount(
    open_served: OpenServed, built: Path, path: str, public_path: str
) -> None:
    settings = {"token": TOKEN, "public_url": f"https://localhost{public_path}"}
    async with mounted(open_served, path, built, **settings) as client:
        client.headers["authorization"] = f"Bearer {TOKEN}"
        started = await client.post(f"{path}/api/v1/projects/deploy/runs")
        page = await client.get(f"{path}/runs/1")

    assert started.headers["location"] == f"{public_path}/api/v1/runs/1"
    assert f'src="{public_path}/assets/a.js"' in page.text


async def test_a_mounted_application_refuses_methods_and_tokens_like_any_other(
    open_served: OpenServed, built: Path
) -> None:
    async with mounted(open_served, "/runs", built, token=TOKEN) as client:
        unauthorized = await client.get("/runs/api/v1/runs")
        public = await client.get("/runs/readyz")
        client.headers["authorization"] = f"Bearer {TOKEN}"
        refused = await client.delete("/runs/api/v1/runs")

    assert (unauthorized.status_code, public.status_code) == (401, 200)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
