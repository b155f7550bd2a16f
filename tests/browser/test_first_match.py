"""The way from a key to the first match: what is read for it, and where the reader is taken."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api

LOG_PAGES = re.compile(r"/api/v1/runs/\d+/log\?(?!.*\bq=)")
SEARCHES = re.compile(r"/api/v1/runs/\d+/log\?.*\bq=")

COUNT_AT_WORK = """
window.atWork = [];
window.mostAtWork = 0;
const send = window.fetch;
window.fetch = (request, options) => {
  if (new URL(request.url).searchParams.has('q')) {
    atWork = [...atWork.filter(({ signal }) => !signal.aborted), request];
    mostAtWork = Math.max(mostAtWork, atWork.length);
  }
  return send(request, options);
};
"""


@pytest.fixture
def page(open_page: OpenPage, context: BrowserContext, api: Api) -> Page:
    """A log of 30,000 lines, at its beginning."""
    context.add_init_script(COUNT_AT_WORK)
    page = open_page(f"/p/flood/runs/{api.complete('flood', params={'lines': '30000'})}?tab=log")
    expect(page.get_by_role("log")).to_contain_text("line 1 of the flood")
    return page


def test_one_answer_shows_the_first_match_and_the_lines_around_it(page: Page) -> None:
    log = page.get_by_role("log")
    page.route(LOG_PAGES, lambda route: None)

    page.get_by_role("searchbox", name="Search the log").fill("line 15000 of")

    expect(log.locator(".row.current mark")).to_have_text("line 15000 of")
    expect(log).to_contain_text("line 14999 of the flood")
    expect(log).to_contain_text("line 15001 of the flood")


def test_typing_leaves_one_search_at_work(page: Page) -> None:
    page.route(SEARCHES, lambda route: None)

    page.keyboard.press("/")
    page.keyboard.type("15000 of t")
    page.wait_for_function("() => atWork.some(({ url }) => url.includes('q=15000%20of%20t&'))")

    assert page.evaluate("mostAtWork") == 1


def test_each_text_is_searched_from_where_the_reader_began_to_type(page: Page) -> None:
    search, match = page.get_by_role("searchbox", name="Search the log"), page.locator(".log-pane .row.current")
    search.fill("line 20000 of")
    expect(match).to_contain_text("line 20000 of")

    search.fill("99 of the flood")
    expect(match).to_contain_text("line 99 of")
    page.get_by_role("button", name="Next match").click()
    expect(match).to_contain_text("line 199 of")
    search.fill("98 of the flood")

    expect(match).to_contain_text("line 298 of")


def test_a_log_that_shows_all_matches_is_read_once(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("flood", params={"lines": "30000"})
    requests: list[str] = []

    page = open_page("/")
    page.on("request", lambda request: requests.append(request.url) if SEARCHES.search(request.url) else None)
    page.goto(f"{page.url}p/flood/runs/{run_id}?tab=log&q=line+77+of&only=1")

    expect(page.locator(".search .count")).to_have_text("1 of 1")
    expect(page.locator(".log-pane .row mark")).to_have_text("line 77 of")
    assert len(requests) == 1
