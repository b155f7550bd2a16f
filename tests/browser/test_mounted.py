"""The dashboard inside a FastAPI application, on a sub-path, with the application's own users."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from solorun.dashboard.assets import STATIC_DIRECTORY
from tests.browser.conftest import OpenPage
from tests.fakes.asgi_server import UVICORN, asgi_server
from tests.unit.docs.pages import SAMPLES


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
def ann(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(http_credentials={"username": "ann", "password": "owl"})
    yield context
    context.close()


@pytest.fixture
def bob(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(http_credentials={"username": "bob", "password": "fox"})
    yield context
    context.close()


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


def test_a_user_without_the_right_sees_the_reason(open_page: OpenPage, application: str, bob: BrowserContext) -> None:
    page = open_page("/p/handbook", within=bob, url=application)

    page.get_by_role("button", name="Start run").click()

    expect(page.get_by_role("alert")).to_contain_text('requires the right "start" for the project handbook')
