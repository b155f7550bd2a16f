"""The search box of a log: the way back out of a search, and what screen readers announce."""

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


def test_escape_returns_from_a_search_to_where_the_reader_began_to_type(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/flood/runs/{api.complete('flood', params={'lines': '3000'})}?tab=log")
    search, log = page.get_by_role("searchbox", name="Search the log"), page.get_by_role("log")
    expect(log).to_contain_text("line 1 of the flood")
    first = log.locator(".row").first
    for _ in range(2):
        left = first.get_attribute("data-seq")
        log.press("PageDown")
        expect(first).not_to_have_attribute("data-seq", left or "")
    place = (first.get_attribute("data-seq"), log.evaluate("pane => pane.scrollTop"))

    search.press_sequentially("line 2900 of")
    expect(log.locator("mark")).to_have_text("line 2900 of")
    search.press("Escape")
    expect(log.locator("mark")).to_have_count(0)
    expect(log).to_be_focused()
    expect(first).to_have_attribute("data-seq", place[0] or "")
    assert log.evaluate("pane => pane.scrollTop") == place[1]
    search.press_sequentially("line 2900 of")
    expect(log.locator("mark")).to_have_text("line 2900 of")
    search.press("Enter")
    search.press("Escape")
    expect(log.locator("mark")).to_have_count(0)

    expect(log).to_contain_text("line 2900 of the flood")


@pytest.mark.parametrize("way", ["next", "click"])
def test_escape_stays_at_a_match_that_the_reader_went_to(open_page: OpenPage, api: Api, way: str) -> None:
    page = open_page(f"/p/flood/runs/{api.complete('flood', params={'lines': '3000'})}?tab=log")
    search, log = page.get_by_role("searchbox", name="Search the log"), page.get_by_role("log")
    expect(log).to_contain_text("line 1 of the flood")
    search.press_sequentially("line 2900 of")
    expect(log.locator("mark")).to_have_text("line 2900 of")

    (page.get_by_role("button", name="Next match") if way == "next" else log.locator("mark")).click()
    search.press("Escape")
    expect(log.locator("mark")).to_have_count(0)

    expect(log.locator(".row.current")).to_contain_text("line 2900 of the flood")


RECORD_ANNOUNCED = """
window.announced = [];
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const region = (target.parentElement ?? target).closest('[role=status], [aria-live=polite]');
    if (region && region.textContent) announced.push(region.textContent);
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


def test_the_matches_of_a_search_are_announced_once_the_reader_stops_typing(
    open_page: OpenPage, context: BrowserContext, api: Api
) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log")
    expect(page.get_by_role("log")).to_contain_text("batch 1 of 40")
    page.clock.install()
    page.evaluate(RECORD_ANNOUNCED)

    for text in ("b", "batch 1", "batch 12"):
        page.get_by_role("searchbox", name="Search the log").fill(text)
        page.clock.run_for(200)
        expect(page.locator(".search .count")).to_have_text(re.compile(r"^1 of \d+$"))
    assert page.evaluate("announced") == []
    page.clock.run_for(2000)

    page.wait_for_function("() => announced.length")
    assert page.evaluate("announced") == ["1 of 1"]


def test_a_search_does_not_move_the_log(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/flood/runs/{api.complete('flood', params={'lines': '300'})}")
    page.set_viewport_size({"width": 1440, "height": 900})
    log = page.get_by_role("log")
    expect(log).to_contain_text("line 1 of the flood")
    place = log.bounding_box()

    page.get_by_role("searchbox", name="Search the log").fill("line 2")
    expect(page.locator(".search .count")).to_have_text(re.compile(r"\d+ of 1\d\d"))

    assert log.bounding_box() == place
