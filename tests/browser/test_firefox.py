"""The main walks through the dashboard in Firefox. With SOLORUN_TEST_BROWSER=firefox, the other tests run there too."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.browsers import launch_firefox
from tests.browser.conftest import OpenPage
from tests.browser.deployments import TOKEN, Deployment
from tests.browser.projects import CONFIGURATION
from tests.browser.shortcuts import press_in_turn
from tests.fakes.running_service import served


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = launch_firefox(playwright)
    yield launched
    launched.close()


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A service that requires a token."""
    with served(tmp_path_factory.mktemp("guarded"), CONFIGURATION, SOLORUN_TOKEN=TOKEN) as service:
        yield Deployment(service.url, TOKEN)


def _start(page: Page, project: str) -> None:
    page.get_by_role("article", name=project).get_by_role("button", name="Start").click()
    page.get_by_role("dialog").get_by_role("button", name="Start run").click()
    expect(page.get_by_role("heading", name=re.compile(r"#\d+"))).to_be_visible()


def test_a_run_is_followed_searched_and_downloaded(open_page: OpenPage) -> None:
    page = open_page("/")
    _start(page, "Novel")
    expect(page.locator("header .badge")).to_have_text("completed")
    pane = page.locator(".log-pane")
    pane.press("End")
    expect(pane).to_contain_text("render completed")

    pane.press("Home")
    page.keyboard.press("/")
    page.keyboard.insert_text("BATCH 4")
    expect(page.locator(".search .count")).to_have_text("1 of 2")
    page.keyboard.press("Enter")
    expect(pane.locator(".row.current mark")).to_have_text("batch 4")
    page.get_by_label("Download", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Filtered log (text, times in UTC)").click()

    lines = download.value.path().read_text().splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == ["batch 4 of 40", "batch 40 of 40"]


def test_a_live_log_grows_until_its_run_is_cancelled(open_page: OpenPage) -> None:
    page = open_page("/")
    _start(page, "ticker")
    pane = page.locator(".log-pane")
    expect(pane).to_contain_text(re.compile(r"tick \d\d"))

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel run").press("Enter")

    expect(page.locator("header .badge")).to_have_text("cancelled")
    expect(pane.locator(".row").last).to_contain_text("tick cancelled")
    expect(pane.locator(".row").last).to_be_in_viewport(ratio=0.9)


def test_a_session_begins_with_a_token_and_ends_from_the_palette(open_page: OpenPage) -> None:
    page = open_page("/")
    expect(page.get_by_role("article").first).to_be_visible()

    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("log out")
    page.keyboard.press("Enter")
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")

    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    press_in_turn(page, "g", "r")
    expect(page.get_by_role("heading", name="All runs")).to_be_visible()
