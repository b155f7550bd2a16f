"""What a run has produced, on its page: the summary that a step wrote."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.axe import PHONE
from tests.browser.conftest import NewContext, OpenPage
from tests.browser.deployments import Deployment
from tests.browser.held import Hold
from tests.browser.projects import Api
from tests.browser.shifts import COUNT_SHIFTS, QUIET, counts_shifts, forget_shifts
from tests.fakes.running_service import ServedService


@pytest.fixture(scope="module")
def run_id(service: ServedService) -> int:
    api = Api(service.url)
    run_id = api.complete("results")
    api.close()
    return run_id


def _show_summary(page: Page) -> Locator:
    """The summary, which waits for a click if it came late."""
    summary = page.locator("section[aria-labelledby=summary]")
    late = page.get_by_role("button", name="Show summary and pictures")
    expect(summary.or_(late)).to_have_count(1)
    if late.is_visible():
        late.click()
    return summary


def test_a_completed_run_shows_its_summary_above_the_timeline(open_page: OpenPage, run_id: int) -> None:
    page = open_page(f"/p/results/runs/{run_id}")
    summary = _show_summary(page)
    expect(summary.get_by_role("heading", name="Result")).to_be_visible()
    expect(summary.get_by_role("img", name="the chart")).to_have_js_property("naturalWidth", 300)

    above, below = summary.bounding_box(), page.locator(".gantt").bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"]
    # The chart stands in the summary.
    expect(page.get_by_role("region", name="Pictures")).to_have_count(0)
    summary.get_by_role("link", name="words", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("words.csv")


@counts_shifts
@pytest.mark.parametrize(
    ("path", "show"), [("", _show_summary), ("/artifacts/summary.md", lambda page: None)], ids=["run", "artifact"]
)
def test_a_late_picture_does_not_move_the_text(
    open_page: OpenPage, new_context: NewContext, run_id: int, path: str, show: Callable[[Page], object]
) -> None:
    context = new_context(viewport=PHONE)
    context.add_init_script(COUNT_SHIFTS)
    picture = Hold(context, re.compile(r"/chart\.svg$"))

    page = open_page(f"/p/results/runs/{run_id}{path}", within=context)
    show(page)
    request = picture.wait(page)
    forget_shifts(page)
    request.release()
    expect(page.get_by_role("img", name="the chart")).to_be_visible()
    shifts = page.evaluate(QUIET)

    assert sum(value for value, *_ in shifts) <= 0.05, shifts


def test_an_html_file_is_a_page_that_reaches_neither_the_network_nor_the_session(
    context: BrowserContext, deployment: Deployment, run_id: int
) -> None:
    address = f"{deployment.url}/p/results/runs/{run_id}/artifacts/page.html"
    context.add_cookies([{"name": "session", "value": "secret", "url": deployment.url}])
    page = context.new_page()
    page.goto(address)

    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Report")).to_have_css("color", "rgb(0, 128, 0)")
    expect(report.locator("#results li")).to_have_text(
        ["cookie: SecurityError", "storage: SecurityError", "parent: SecurityError", "fetch: TypeError", "image: error"]
    )
    page.get_by_role("button", name="Raw").click()
    expect(page.locator("pre")).to_contain_text("<h1>Report</h1>")


def test_a_page_has_the_styles_scripts_and_pictures_next_to_it(
    context: BrowserContext, deployment: Deployment, api: Api
) -> None:
    page = context.new_page()
    page.goto(f"{deployment.url}/p/covered/runs/{api.complete('covered')}/artifacts/htmlcov/index.html")

    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Coverage")).to_have_css("color", "rgb(0, 128, 0)")
    expect(report.get_by_text("counted")).to_be_visible()
    dot = report.get_by_role("img", name="dot")
    expect(dot).to_be_visible()
    assert dot.evaluate("dot => dot.naturalWidth") > 0


def test_a_large_html_file_is_a_page_too(context: BrowserContext, deployment: Deployment, run_id: int) -> None:
    page = context.new_page()
    page.goto(f"{deployment.url}/p/results/runs/{run_id}/artifacts/large.html")

    expect(page.frame_locator("iframe").get_by_role("heading", name="Large")).to_be_visible()
    page.get_by_role("button", name="Raw").click()
    expect(page.locator(".notice")).to_contain_text("too large to preview")


def test_the_first_column_of_a_wide_table_stays_in_view(open_page: OpenPage, run_id: int) -> None:
    page = open_page(f"/p/results/runs/{run_id}/artifacts/wide.csv")
    table = page.locator(".table")
    first = page.get_by_role("cell", name="row 7", exact=True)
    expect(first).to_be_visible()
    place = first.bounding_box()

    table.evaluate("table => table.scrollLeft = 600")

    expect(page.get_by_role("cell", name="7 of column 5", exact=True)).not_to_be_in_viewport()
    assert first.bounding_box() == place
