"""Copying text of the log, of which only the rows in view are in the document."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.clipboard import pasted
from tests.browser.conftest import OpenPage
from tests.browser.projects import Api

LINES = 3000


@pytest.fixture(scope="module")
def run_id(service: object) -> int:
    api = Api(service.url)  # type: ignore[attr-defined]
    run_id = api.complete("flood", params={"lines": str(LINES)})
    api.close()
    return run_id


@pytest.fixture
def page(open_page: OpenPage, run_id: int) -> Page:
    page = open_page(f"/p/flood/runs/{run_id}?tab=log")
    expect(page.locator(".log-pane")).to_contain_text("line 1 of the flood")
    return page


def _edge(page: Page, line: int, *, right: bool = False) -> tuple[float, float]:
    """A point at the left or right edge of the text of a line in view."""
    text = page.locator(".log-pane .row:not(.away)", has_text=f"line {line} of").locator(".text")
    expect(text).to_be_visible()
    box = text.bounding_box()
    assert box is not None
    return box["x"] + (box["width"] - 2 if right else 1), box["y"] + box["height"] / 2


def _scroll_to(page: Page, line: int) -> None:
    page.locator(".log-pane").evaluate("(pane, top) => pane.scrollTop = top", 20 * (line - 10))
    expect(page.locator(".log-pane")).to_contain_text(f"line {line} of the flood")


def _copied(page: Page, notice: str) -> list[str]:
    page.keyboard.press("Control+c")
    expect(page.locator(".log .copied")).to_have_text(notice)
    return [line.split(" of ")[0] for line in pasted(page)]


@pytest.mark.parametrize("wraps", [False, True])
def test_a_selection_over_500_rows_is_copied_whole(page: Page, *, wraps: bool) -> None:
    if wraps:
        page.get_by_role("button", name="Wrap long lines").click()
    page.mouse.move(*_edge(page, 1))
    page.mouse.down()
    page.mouse.move(*_edge(page, 4))

    for line in (100, 250, 500):
        _scroll_to(page, line)
        page.mouse.move(*_edge(page, line))
        page.mouse.move(*_edge(page, line, right=True))
    page.mouse.up()

    assert _copied(page, "Copied 500 lines.") == [f"line {number}" for number in range(1, 501)]
    assert page.locator(".log-pane .row").count() < 120


def test_a_click_with_shift_extends_a_selection_upward(page: Page) -> None:
    _scroll_to(page, 900)
    page.mouse.click(*_edge(page, 900, right=True))
    _scroll_to(page, 601)
    page.keyboard.down("Shift")
    page.mouse.click(*_edge(page, 601))
    page.keyboard.up("Shift")

    # The selection survives while it is out of view.
    _scroll_to(page, 2000)

    assert _copied(page, "Copied 300 lines.") == [f"line {number}" for number in range(601, 901)]


def test_selected_lines_that_are_not_loaded_are_read(page: Page) -> None:
    page.mouse.click(*_edge(page, 1))
    _scroll_to(page, 2900)
    page.keyboard.down("Shift")
    page.mouse.click(*_edge(page, 2900, right=True))
    page.keyboard.up("Shift")

    assert _copied(page, "Copied 2,900 lines.") == [f"line {number}" for number in range(1, 2901)]


def test_the_whole_log_is_copied_with_two_keys(page: Page) -> None:
    page.locator(".log-pane").press("Control+a")
    expect(page.locator(".log .selection")).to_contain_text("Lines 1–3,002")

    copied = _copied(page, "Copied 3,002 lines.")

    assert len(copied) == LINES + 2
    assert copied[-2:] == [f"line {LINES}", "lines completed"]


def test_a_part_of_two_lines_is_copied(page: Page) -> None:
    page.locator(".log-pane").evaluate(
        """pane => {
          const text = line => [...pane.querySelectorAll('.text')].find(one => one.textContent.startsWith(line));
          const [from, to] = [text('line 2 of').firstChild, text('line 3 of').firstChild];
          pane.focus();
          document.getSelection().setBaseAndExtent(from, 5, to, 6);
        }"""
    )

    page.keyboard.press("Control+c")
    expect(page.locator(".log .copied")).to_have_text("Copied 2 lines.")

    assert pasted(page) == ["2 of the flood, as long as lines of logs usually are", "line 3"]


def test_the_key_end_scrolls_while_text_is_selected(page: Page) -> None:
    page.mouse.move(*_edge(page, 6))
    page.mouse.down()
    page.mouse.move(*_edge(page, 7, right=True))
    page.mouse.up()

    page.locator(".log-pane").press("End")

    expect(page.locator(".log-pane")).to_contain_text("lines completed")
    assert _copied(page, "Copied 2 lines.") == ["line 6", "line 7"]
