"""Focus and keys: what a person without a pointer sees and reaches."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


def test_the_focused_log_has_a_visible_focus_ring(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}")
    log = page.get_by_role("region", name="Log")
    expect(page.get_by_role("log")).to_contain_text("fetch started")
    expect(log).to_have_css("outline-style", "none")

    page.get_by_role("log").press("Home")

    expect(page.get_by_role("log")).to_be_focused()
    expect(log).to_have_css("outline", re.compile("solid 2px"))
    expect(page.get_by_role("log")).to_have_css("outline-style", "none")


def test_the_first_tab_stop_skips_to_the_content(open_page: OpenPage) -> None:
    page = open_page("/")
    expect(page.get_by_role("article").first).to_be_visible()

    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()


def test_arrow_keys_move_in_a_menu_and_escape_returns_the_focus(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log&q=batch")
    expect(page.get_by_role("log")).to_contain_text("batch 1 of 40")
    button = page.locator(".tools summary[aria-label=Download]")
    items = page.locator(".tools details").get_by_role("link")

    button.focus()
    page.keyboard.press("ArrowDown")
    expect(items.first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(items.last).to_be_focused()
    page.keyboard.press("Escape")

    expect(button).to_be_focused()
    expect(items.first).to_be_hidden()


def test_escape_in_the_search_returns_the_focus_to_the_log(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log")
    expect(page.get_by_role("log")).to_contain_text("fetch started")

    page.keyboard.press("/")
    page.keyboard.insert_text("batch")
    expect(page.locator(".search .count")).to_have_text("1 of 40")
    page.keyboard.press("Escape")

    expect(page.get_by_role("log")).to_be_focused()
    expect(page).not_to_have_url(re.compile("q="))
