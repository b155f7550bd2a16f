"""The log as a whole: scrolling, searching, following, and downloading."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.clipboard import pasted
from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


@pytest.fixture(scope="module")
def flood_id(service: object) -> int:
    """A run with a million lines."""
    api = Api(service.url)  # type: ignore[attr-defined]
    run_id = api.complete("flood")
    api.close()
    return run_id


def _first_seq(page: Page) -> int:
    return int(page.locator(".log-pane .row[data-seq]").first.get_attribute("data-seq") or 0)


SCROLLING_ENDED = """pane => new Promise(done => {
  const first = () => pane.querySelector('.row[data-seq]')?.dataset.seq;
  let [seen, frames] = [first(), 0];
  const check = () => {
    frames = first() === seen ? frames + 1 : 0;
    seen = first();
    if (frames > 20) done(); else requestAnimationFrame(check);
  };
  requestAnimationFrame(check);
})"""
"""Wheel scrolling is animated. Resolves when nothing has moved for some frames."""


def test_a_million_lines_open_with_a_few_rows(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}")

    expect(page.locator(".log-pane")).to_contain_text("line 1 of the flood")
    expect(page.locator(".log")).to_contain_text("1,000,002 records")
    assert page.locator(".log-pane .row").count() < 120


@pytest.mark.parametrize("line", [2, 500_000, 1_000_001])
def test_every_line_of_a_million_has_an_address(open_page: OpenPage, flood_id: int, line: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}#L{line}")

    expect(page.locator(".log-pane .row.marked")).to_contain_text(f"line {line - 1} of the flood")
    expect(page.locator(".log-pane .row.marked")).to_be_in_viewport()


def test_the_scrollbar_reaches_both_ends_of_a_million_lines(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}?tab=log")
    pane = page.locator(".log-pane")
    expect(pane).to_contain_text("line 1 of the flood")

    pane.evaluate("pane => pane.scrollTop = pane.scrollHeight")
    expect(pane).to_contain_text("lines completed")
    pane.evaluate("pane => pane.scrollTop = pane.scrollHeight / 2")
    expect(pane).to_contain_text(re.compile(r"line 49\d{4} of|line 50\d{4} of"))
    pane.evaluate("pane => pane.scrollTop = 0")
    expect(pane).to_contain_text("lines started")


def test_the_wheel_scrolls_a_million_lines_by_a_few(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}#L500000")
    expect(page.locator(".log-pane .row.marked")).to_be_visible()
    before = _first_seq(page)

    page.locator(".log-pane").hover()
    page.mouse.wheel(0, 100)

    expect(page.locator(f'.log-pane .row[data-seq="{before}"]')).to_have_count(0)
    page.locator(".log-pane").evaluate(SCROLLING_ENDED)
    assert 3 <= _first_seq(page) - before <= 6


def test_the_whole_log_is_searched(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}")
    expect(page.locator(".log-pane")).to_contain_text("line 1 of the flood")

    page.keyboard.press("/")
    page.keyboard.insert_text("LINE 77777")
    expect(page.locator(".search .count")).to_have_text("1 of 11")
    page.keyboard.press("Enter")
    expect(page.locator(".search .count")).to_have_text("2 of 11")
    expect(page.locator(".log-pane .row.current")).to_contain_text("line 777770 of")
    page.locator(".log-pane").focus()
    page.keyboard.press("N")
    page.keyboard.press("N")

    expect(page.locator(".search .count")).to_have_text("11 of 11")
    expect(page.locator(".log-pane .row.current mark")).to_have_text("line 77777")
    expect(page).to_have_url(re.compile(r"q=LINE\+77777"))


def test_a_live_log_is_followed_until_the_user_scrolls_up(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    pane = page.locator(".log-pane")
    expect(pane).to_contain_text(re.compile(r"tick \d\d"))
    expect(page.locator(".resume")).to_be_hidden()

    pane.hover()
    page.mouse.wheel(0, -300)
    expect(page.locator(".resume")).to_contain_text(re.compile(r"\d+ new"))
    pane.evaluate(SCROLLING_ENDED)
    first_seq = _first_seq(page)
    expect(page.locator(".resume")).to_contain_text(re.compile(r"\d{3} new"))
    assert _first_seq(page) == first_seq

    page.locator(".resume").click()
    expect(page.locator(".resume")).to_be_hidden()
    expect(pane.locator(f'.row[data-seq="{first_seq}"]')).to_have_count(0)


def test_a_followed_log_stays_followed_when_the_browser_scrolls_it(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.locator(".log-pane")).to_contain_text(re.compile(r"tick \d{3}"))

    # By now the log is longer than the pane.
    expect(page.locator(".log-pane .row").last).to_contain_text(re.compile(r"tick (0[6-9]\d|[1-9]\d\d)"))

    # The browser scrolls a pane that grows, and may report that only after the pane has its old size again.
    page.evaluate(
        """async () => {
          const pane = document.querySelector('.log-pane');
          pane.scrollTop -= 90;
          await new Promise(done => pane.addEventListener('scroll', done, { once: true }));
        }"""
    )

    expect(page.get_by_role("button", name="follow")).to_have_count(0)
    api.cancel(run_id)
    expect(page.locator(".log-pane .row").last).to_contain_text("tick cancelled")
    expect(page.locator(".log-pane .row").last).to_be_in_viewport(ratio=0.9)


def test_a_followed_log_stays_followed_when_its_pane_is_resized(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.locator(".log-pane")).to_contain_text(re.compile(r"tick \d{3}"))

    # A notice appears above the log and disappears. When the pane grows, the browser scrolls it and fires a scroll
    # event before or after the resize event. This test always fires it before.
    page.evaluate(
        """async () => {
          const pane = document.querySelector('.log-pane');
          const drawn = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
          const notice = document.createElement('div');
          notice.style.height = '90px';
          document.querySelector('.tabs').after(notice);
          await drawn();
          await drawn();
          notice.remove();
          pane.getBoundingClientRect();
          pane.dispatchEvent(new Event('scroll'));
          await drawn();
        }"""
    )

    expect(page.get_by_role("button", name="follow")).to_have_count(0)
    api.cancel(run_id)
    expect(page.locator("header .badge")).to_have_text("cancelled")
    expect(page.locator(".log-pane .row").last).to_contain_text("tick cancelled")
    expect(page.locator(".log-pane .row").last).to_be_in_viewport(ratio=0.9)


def test_a_live_log_is_preloaded_and_requested_once(open_page: OpenPage, context: BrowserContext, api: Api) -> None:
    run_id = api.start("ticker")
    requested: list[str] = []
    context.on("request", lambda request: requested.append(request.url.partition("/api/v1/")[2]))

    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.locator(".log-pane")).to_contain_text(re.compile(r"tick \d"))

    assert [path for path in requested if path.startswith("runs/") and "artifacts" not in path] == [
        f"runs/{run_id}",
        f"runs/{run_id}/log?limit=120",
    ]
    started = "name => performance.getEntriesByName(location.origin + name)[0].initiatorType"
    assert page.evaluate(started, f"/api/v1/runs/{run_id}/log?limit=120") == "link"


def test_long_lines_can_be_wrapped(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}?tab=log")
    page.set_viewport_size({"width": 740, "height": 1100})
    row = page.locator(".log-pane .row", has_text="line 3 of the flood")
    expect(row).to_be_visible()
    assert (row.bounding_box() or {"height": 0})["height"] == 20

    page.get_by_role("button", name="Wrap long lines").click()

    expect(page.locator(".log-pane.wrapped")).to_be_visible()
    assert (row.bounding_box() or {"height": 0})["height"] >= 40
    page.get_by_role("button", name="Go to the last line").click()
    expect(page.locator(".log-pane .row").last).to_contain_text("lines completed")
    expect(page.locator(".log-pane .row").last).to_be_in_viewport()


def test_the_whole_log_is_marked_and_copied(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("flood", params={"lines": "900"})
    page = open_page(f"/p/flood/runs/{run_id}?tab=log")
    expect(page.locator(".log-pane")).to_contain_text("line 1 of the flood")

    page.locator(".log-pane").press("End")
    expect(page.locator(".log-pane")).to_contain_text("lines completed")
    page.locator(".log-pane").press("Control+a")
    expect(page.locator(".log .selection")).to_contain_text("Lines 1–902")
    expect(page.locator(".log-pane .row").last).to_contain_text("lines completed")
    page.get_by_role("button", name="Copy lines").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()

    copied = pasted(page)
    assert len(copied) == 902
    assert copied[899].startswith("line 899 of the flood")


def test_the_tab_of_the_log_uses_the_whole_width(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}")
    page.set_viewport_size({"width": 2560, "height": 900})
    pane = page.locator(".log-pane")
    expect(pane).to_contain_text("line 1 of the flood")
    assert (pane.bounding_box() or {"width": 0})["width"] <= 1320

    page.get_by_role("tab", name="Log").click()
    expect(pane).to_contain_text("line 1 of the flood")

    assert (pane.bounding_box() or {"width": 0})["width"] >= 0.95 * (2560 - 208)


def test_the_log_fills_the_window_until_the_reader_leaves(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}")
    page.set_viewport_size({"width": 3840, "height": 2160})
    pane = page.locator(".log-pane")
    expect(pane).to_contain_text("line 1 of the flood")

    page.keyboard.press("z")
    expect(page.get_by_role("link", name="Overview")).to_be_hidden()
    box = pane.bounding_box() or {"width": 0, "height": 0}
    assert (box["width"] >= 0.95 * 3840, box["height"] >= 0.9 * 2160) == (True, True)
    expect(pane).to_be_focused()

    page.reload()
    expect(pane).to_contain_text("line 90 of the flood")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox", name="Search the log")).not_to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Expand or restore the log")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("link", name="Overview")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Overview").first).to_be_visible()
    expect(page).not_to_have_url(re.compile("zoom"))


def test_the_log_can_be_downloaded(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}?level=error")
    page.get_by_label("Download", exact=True).click()

    with page.expect_download() as download:
        page.get_by_role("link", name="Filtered log (text, times in UTC)").click()

    text = download.value.path().read_text()
    assert "placeholder {name} is missing" in text
    assert "batch 1 of 40" not in text
