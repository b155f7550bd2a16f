"""What a run has produced, on its page: the summary that a step wrote."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import PHONE
from tests.browser.conftest import NewContext, OpenPage
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


def test_the_first_column_of_a_wide_table_stays_in_view(open_page: OpenPage, run_id: int) -> None:
    page = open_page(f"/p/results/runs/{run_id}/artifacts/wide.csv")
    table = page.locator(".table")
    first = page.get_by_role("cell", name="row 7", exact=True)
    expect(first).to_be_visible()
    place = first.bounding_box()

    table.evaluate("table => table.scrollLeft = 600")

    expect(page.get_by_role("cell", name="7 of column 5", exact=True)).not_to_be_in_viewport()
    assert first.bounding_box() == place
