"""The way back to a place in a long page."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.held import Hold
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

LINE_IN_VIEW = """(pane) => {
  const top = pane.getBoundingClientRect().top;
  const row = [...pane.querySelectorAll('.row')].find((one) => one.getBoundingClientRect().bottom > top);
  return row && `${row.dataset.seq} at ${Math.round(row.getBoundingClientRect().top - top)}`;
}"""
"""The first line in view of a log, and the distance of its upper edge from the top in pixels."""


@pytest.fixture(scope="module")
def long_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    configuration = project_toml("short", {"work": "true"}) + project_toml(
        "lines", {"count": "seq 1 3000", "wait": "test ! -e gate || sleep 600"}, cancel_grace="1s"
    )
    with served(tmp_path_factory.mktemp("long"), configuration) as started:
        yield started


@pytest.fixture
def long_api(long_service: ServedService) -> Iterator[Api]:
    api = Api(long_service.url)
    yield api
    api.close()


def test_a_heading_names_the_step_of_the_lines_in_view(
    open_page: OpenPage, long_service: ServedService, long_api: Api
) -> None:
    run_id = long_api.complete("lines")
    page = open_page(f"/p/lines/runs/{run_id}?tab=log", url=long_service.url)
    pane, heading = page.locator(".log-pane"), page.locator(".log-pane .heading")
    expect(pane).to_contain_text("count started")
    expect(heading).to_be_hidden()

    pane.evaluate("pane => pane.scrollTop = 30_000")
    expect(heading).to_have_text(re.compile(r"^count\s*started \d\d:\d\d:\d\d · completed after "))
    box, above = heading.bounding_box(), pane.bounding_box()
    assert box is not None
    assert above is not None
    assert box["y"] == above["y"]
    heading.click()
    expect(page.locator(".log-pane .row").first).to_contain_text("count started")

    expect(heading).to_be_hidden()


def test_back_returns_to_the_place_in_the_list(open_page: OpenPage, long_service: ServedService, long_api: Api) -> None:
    for _ in range(30):
        long_api.complete("short")
    page = open_page("/runs", url=long_service.url)
    page.set_viewport_size({"width": 1280, "height": 600})
    expect(page.get_by_role("row")).not_to_have_count(0)
    page.evaluate("scrollTo(0, 500)")
    page.wait_for_function("() => scrollY === 500")

    left_at = _click(page, page.locator("td .id").nth(16))
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("short #"))
    page.wait_for_function("() => scrollY === 0")
    page.go_back()

    page.wait_for_function("left => scrollY === left", arg=left_at)


def test_a_list_that_is_left_before_it_is_loaded_keeps_its_place(
    open_page: OpenPage, long_service: ServedService, long_api: Api
) -> None:
    while len(long_api.runs("short")) < 30:
        long_api.complete("short")
    page = open_page("/runs", url=long_service.url)
    page.set_viewport_size({"width": 1280, "height": 600})
    expect(page.get_by_role("row")).not_to_have_count(0)
    page.evaluate("scrollTo(0, 500)")
    page.wait_for_function("() => scrollY === 500")
    left_at = _click(page, page.locator("td .id").nth(16))
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("short #"))

    held = Hold(page, re.compile(r"/api/v1/runs\?"))
    page.go_back()
    request = held.wait(page)
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("short #"))
    request.release()
    page.go_back()

    page.wait_for_function("left => scrollY === left", arg=left_at)


@pytest.mark.parametrize("path", ["/runs?project=short", "/p/short"])
def test_back_returns_to_the_older_runs(
    open_page: OpenPage, long_service: ServedService, long_api: Api, path: str
) -> None:
    while len(long_api.runs("short")) < 60:
        long_api.complete("short")
    runs = long_api.runs("short")
    page = open_page(path, url=long_service.url)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Older runs").click()
    expect(rows).to_have_count(len(runs))
    expect(page.get_by_role("button", name="Older runs")).to_be_hidden()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")

    top = _click(page, page.get_by_role("link", name=f"#{runs[-1]['id']}", exact=True))
    expect(page.get_by_role("heading", level=1)).to_have_text(f"short #{runs[-1]['id']}")
    page.go_back()

    expect(rows).to_have_count(len(runs))
    page.wait_for_function("top => scrollY === top", arg=top)
    page.reload()
    expect(rows).to_have_count(len(runs))
    page.wait_for_function("top => scrollY === top", arg=top)
    page.get_by_label("Status").select_option("completed")
    expect(rows).to_have_count(50)


def test_the_log_returns_to_its_line(open_page: OpenPage, long_service: ServedService, long_api: Api) -> None:
    run_id = long_api.complete("lines")
    page = open_page(f"/p/lines/runs/{run_id}?tab=log", url=long_service.url)
    first = page.locator(".log-pane .row").first
    expect(first).to_contain_text("count started")
    page.locator(".log-pane").evaluate("pane => pane.scrollTop = 30_000")
    expect(first).to_contain_text(re.compile(r"^1,5\d\d"))
    seen = first.get_attribute("data-seq")
    again = page.locator(f'.log-pane .row:nth-child(-n+2)[data-seq="{seen}"]')

    page.get_by_role("tab", name="Events").click()
    expect(page.locator(".log-pane")).to_have_count(0)
    page.get_by_role("tab", name="Log").click()
    expect(again).to_be_visible()
    page.get_by_role("link", name="All runs").first.click()
    expect(page.get_by_role("heading", name="All runs")).to_be_visible()
    page.go_back()
    expect(again).to_be_visible()
    page.reload()
    expect(again).to_be_visible()
    other = open_page(f"/p/lines/runs/{run_id}?tab=log", url=long_service.url)

    expect(other.locator(".log-pane .row").first).to_contain_text("count started")


def test_forward_returns_to_the_place_that_back_left(
    open_page: OpenPage, long_service: ServedService, long_api: Api
) -> None:
    run_id = long_api.complete("lines")
    page = open_page("/runs?project=lines", url=long_service.url)
    page.get_by_role("link", name=f"#{run_id}", exact=True).click()
    page.get_by_role("tab", name="Log").click()
    first = page.locator(".log-pane .row").first
    expect(first).to_contain_text("count started")
    page.locator(".log-pane").evaluate("pane => pane.scrollTop = 30_000")
    expect(first).to_contain_text(re.compile(r"^1,5\d\d"))
    seen = first.get_attribute("data-seq")
    again = page.locator(f'.log-pane .row[data-seq="{seen}"]')

    page.go_back()
    expect(page.get_by_role("tab", name="Run")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("All runs")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("All runs")
    page.go_forward()
    expect(page.get_by_role("tab", name="Run")).to_have_attribute("aria-selected", "true")
    page.go_forward()

    expect(page.get_by_role("tab", name="Log")).to_have_attribute("aria-selected", "true")
    expect(again).to_be_in_viewport()


@pytest.mark.parametrize("wrap", [True, False], ids=["wrapped", "unwrapped"])
def test_the_log_returns_to_its_pixel(
    open_page: OpenPage, long_service: ServedService, long_api: Api, wrap: bool
) -> None:
    run_id = long_api.complete("lines")
    page = open_page(f"/p/lines/runs/{run_id}?tab=log#L2", url=long_service.url)
    page.evaluate("wrap => localStorage.setItem('solorun.preferences', JSON.stringify({ wrap }))", wrap)
    page.reload()
    pane = page.locator(".log-pane")
    expect(pane.locator(".row").first).to_contain_text("count started")
    pane.evaluate("pane => pane.scrollTop = 30_007")
    expect(pane.locator(".row").first).to_contain_text(re.compile(r"^1,[45]\d\d"))
    place = pane.evaluate(LINE_IN_VIEW)

    page.get_by_role("tab", name="Events").click()
    expect(pane).to_have_count(0)
    page.get_by_role("tab", name="Log").click()
    _wait_for_line(page, place)
    page.reload()
    _wait_for_line(page, place)
    page.get_by_role("link", name="All runs").first.click()
    expect(page.get_by_role("heading", name="All runs")).to_be_visible()
    page.go_back()

    _wait_for_line(page, place)


def test_the_end_of_a_log_is_a_place(open_page: OpenPage, long_service: ServedService, long_api: Api) -> None:
    run_id = long_api.complete("lines")
    page = open_page(f"/p/lines/runs/{run_id}?tab=log", url=long_service.url)
    last = page.locator(".log-pane .row").last
    expect(page.locator(".log-pane .row").first).to_contain_text("count started")
    page.locator(".log-pane").press("End")
    expect(last).to_contain_text("wait completed")

    page.get_by_role("tab", name="Events").click()
    expect(last).to_have_count(0)
    page.get_by_role("tab", name="Log").click()
    expect(last).to_contain_text("wait completed")
    page.reload()

    expect(last).to_contain_text("wait completed")


def test_a_followed_log_is_still_followed_after_back(
    open_page: OpenPage, long_service: ServedService, long_api: Api
) -> None:
    gate = long_service.directory / "gate"
    gate.touch()
    run_id = long_api.start("lines")
    page = open_page(f"/p/lines/runs/{run_id}", url=long_service.url)
    expect(page.locator(".log-pane .row").last).to_contain_text("wait started")

    page.get_by_role("link", name="All runs").first.click()
    expect(page.get_by_role("heading", name="All runs")).to_be_visible()
    page.go_back()
    expect(page.locator(".log-pane .row").last).to_contain_text("wait started")
    expect(page.get_by_role("button", name="Follow")).to_have_count(0)
    long_api.cancel(run_id)
    gate.unlink()

    expect(page.locator(".log-pane .row").last).to_contain_text("wait cancelled")


def _click(page: Page, link: Locator) -> int:
    """Returns the scroll position at the click, because a browser may first scroll to what it clicks."""
    page.evaluate("addEventListener('click', () => (window.leftAt = scrollY), { capture: true, once: true })")
    link.click()
    left_at: int = page.evaluate("leftAt")
    assert left_at > 0
    return left_at


def _wait_for_line(page: Page, place: str) -> None:
    pane = "document.querySelector('.log-pane')"
    page.wait_for_function(f"place => {pane} && ({LINE_IN_VIEW})({pane}) === place", arg=place)
