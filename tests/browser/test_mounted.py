"""The dashboard inside a FastAPI application, on a sub-path, with the application's own users."""

import re
import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from solorun.dashboard.assets import STATIC_DIRECTORY
from tests.browser.conftest import NewContext, OpenPage
from tests.fakes.asgi_server import UVICORN, asgi_server
from tests.unit.docs.pages import SAMPLES

OFFERS = re.compile(r"^(start|cancel|kill|pin|unpin|pause|resume|run (#\d+ )?again)", re.IGNORECASE)
"""The names of buttons that change something."""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address at which the sample application mounts Solorun."""
    if not (STATIC_DIRECTORY / "index.html").exists():
        pytest.skip("the dashboard is not built: run `npm ci && npm run build` in app/dashboard")
    directory = tmp_path_factory.mktemp("application")
    shutil.copy(SAMPLES / "library" / "fastapi_app.py", directory)
    with asgi_server(UVICORN, ["fastapi_app:app"], directory, "/tools/runs") as server:
        yield str(server.client.base_url).rstrip("/")


@pytest.fixture
def ann(new_context: NewContext) -> BrowserContext:
    return new_context(http_credentials={"username": "ann", "password": "owl"})


@pytest.fixture
def bob(new_context: NewContext) -> BrowserContext:
    return new_context(http_credentials={"username": "bob", "password": "fox"})


@pytest.fixture
def ann_api(application: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{application}/api/v1", auth=("ann", "owl"), timeout=60) as client:
        yield client


def test_a_user_of_the_application_starts_follows_and_cancels(
    open_page: OpenPage, application: str, ann: BrowserContext
) -> None:
    page = open_page("/", within=ann, url=application)

    page.get_by_role("article", name="backup").get_by_role("button", name="Start").click()
    page.get_by_role("dialog").get_by_role("button", name="Start run").click()
    expect(page).to_have_url(re.compile(r"/tools/runs/p/backup/runs/\d+$"))
    expect(page.locator(".log-pane")).to_contain_text("copying")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel run").click()

    expect(page.locator("header .badge")).to_have_text("cancelled")


def test_a_user_who_may_only_view_is_shown_no_button_that_would_be_refused(
    open_page: OpenPage, application: str, bob: BrowserContext, ann_api: httpx.Client
) -> None:
    run = ann_api.post("/projects/backup/runs", json={}).raise_for_status().json()
    page = open_page("/", within=bob, url=application)
    main, offers = page.get_by_role("main"), page.get_by_role("button", name=OFFERS)

    expect(main.get_by_role("article", name="backup").locator(".state")).to_be_visible()
    expect(offers).to_have_count(0)
    expect(page.get_by_role("link", name="Notifications")).to_have_count(0)

    page.get_by_role("link", name="backup", exact=True).first.click()
    expect(main.get_by_role("heading", name="History")).to_be_visible()
    expect(offers).to_have_count(0)

    main.get_by_role("link", name="Open").click()
    expect(page.locator(".log-pane")).to_contain_text("copying")
    page.keyboard.press("x")
    page.keyboard.press("s")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("combobox").fill("backup")
    expect(page.get_by_role("option").filter(has_text=f"#{run['id']}")).to_be_visible()
    expect(page.get_by_role("option").filter(has_text=OFFERS)).to_have_count(0)
    page.keyboard.press("Escape")

    ann_api.post(f"/runs/{run['id']}/cancel", json={}).raise_for_status()
    expect(page.locator("header .badge")).to_have_text("cancelled")
    page.get_by_role("tab", name="Parameters").click()
    expect(page.get_by_role("row", name="triggered by")).to_be_visible()
    expect(offers).to_have_count(0)
