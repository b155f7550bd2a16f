"""The search in a log: what it shows while it runs, and when its request ends."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api

SEARCHES = re.compile(r"/api/v1/runs/\d+/log\?.*\bq=")


@pytest.fixture
def slow_page(open_page: OpenPage, api: Api) -> Page:
    """The log of a run. The service does not answer its searches."""
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log")
    expect(page.get_by_role("log")).to_contain_text("batch 1 of 40")
    page.route(SEARCHES, lambda route: None)
    return page


def _query(request: Request) -> str:
    return parse_qs(urlsplit(request.url).query).get("q", [""])[0]


def test_a_search_is_under_way_until_the_service_answers(slow_page: Page) -> None:
    held: list[Route] = []
    slow_page.unroute(SEARCHES)
    slow_page.route(SEARCHES, lambda route: held.append(route))  # Playwright cannot wrap a built-in.
    count = slow_page.locator(".search .count")

    slow_page.keyboard.press("/")
    with slow_page.expect_request(SEARCHES):
        slow_page.keyboard.type("batch")
    expect(count).to_have_text("Searching…")
    held[0].continue_()

    expect(count).to_have_text("1 of 40")


def test_a_search_without_matches_shows_a_note_after_the_response(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log&q=missing-word")

    expect(page.locator(".search .count")).to_have_text("No matches")


def test_a_failed_search_shows_its_error(slow_page: Page) -> None:
    slow_page.unroute(SEARCHES)
    slow_page.route(SEARCHES, lambda route: route.fulfill(status=503, body="{}"))

    slow_page.keyboard.press("/")
    slow_page.keyboard.type("batch")

    expect(slow_page.locator(".search .count")).to_have_text("Search failed")


def test_a_search_ends_its_request_when_another_follows(slow_page: Page) -> None:
    slow_page.keyboard.press("/")
    with slow_page.expect_request(lambda request: _query(request) == "batch"):
        slow_page.keyboard.type("batch")

    with slow_page.expect_event("requestfailed", lambda request: _query(request) == "batch"):
        slow_page.keyboard.type(" 2")


@pytest.mark.parametrize("leave", ["Escape", "tab"])
def test_a_search_ends_its_request_when_the_reader_leaves_it(
    slow_page: Page, context: BrowserContext, leave: str
) -> None:
    slow_page.keyboard.press("/")
    with slow_page.expect_request(lambda request: _query(request) == "batch"):
        slow_page.keyboard.type("batch")

    with slow_page.expect_event("requestfailed", lambda request: _query(request) == "batch"):
        if leave == "tab":
            slow_page.get_by_role("tab", name="Events").click()
        else:
            slow_page.keyboard.press(leave)


def test_a_link_to_a_line_shows_it_beside_a_search(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    line = next(record["seq"] for record in api.log(run_id, limit=1000) if record["message"] == "rendered")

    page = open_page(f"/p/novel/runs/{run_id}?tab=log&q=batch+1+of#L{line}")

    expect(page.locator(".search .count")).to_have_text("1 of 1")
    expect(page.locator(".log-pane .row.marked")).to_be_in_viewport()
    expect(page.locator(".log-pane .row.marked")).to_contain_text("rendered")
