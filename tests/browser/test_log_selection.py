"""Selecting the text of a log with the mouse, although only the rows in view are in the document."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api

SELECTED = "String(getSelection()).trim().split('\\n')"


def _line(number: int) -> str:
    return f"line {number} of the flood, as long as lines of logs usually are"


@pytest.fixture
def log(open_page: OpenPage, api: Api) -> Page:
    run_id = api.complete("flood", params={"lines": "3000"})
    page = open_page(f"/p/flood/runs/{run_id}?tab=log")
    expect(page.locator(".log-pane")).to_contain_text(_line(3))
    return page


def _place(page: Page, number: int) -> tuple[float, float]:
    """Left of this line's first character."""
    box = page.locator(".log-pane .row", has_text=_line(number)).locator(".text").bounding_box()
    assert box is not None
    return box["x"] + 1, box["y"] + box["height"] / 2


def _select(page: Page, first: int, end: int) -> None:
    page.mouse.move(*_place(page, first))
    page.mouse.down()
    page.mouse.move(*_place(page, end), steps=3)
    page.mouse.up()


def _scroll(page: Page, pixels: int) -> None:
    first = page.locator(".log-pane .row[data-seq]").first
    before = first.inner_text()
    page.mouse.wheel(0, pixels)
    expect(first).not_to_have_text(before, use_inner_text=True)


def test_selected_lines_stay_selected_while_they_scroll(log: Page) -> None:
    _select(log, 6, 8)
    assert log.evaluate(SELECTED) == [_line(6), _line(7)]

    _scroll(log, 60)

    expect(log.locator(".log-pane .row").first).to_contain_text(_line(3))
    assert log.evaluate(SELECTED) == [_line(6), _line(7)]
