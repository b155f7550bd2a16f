"""Sizes and places that must hold: long forms, charts, pictures, and pages that do not exist."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewContext, OpenPage
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

FIELDS = [f"field_{number}" for number in range(1, 31)]
SMALL_PHONE = {"width": 390, "height": 640}


@pytest.fixture(scope="module")
def wide_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    work = [sys.executable, str(Path(__file__).with_name("work.py"))]
    configuration = project_toml("form", {"work": "true"}, params=FIELDS) + project_toml(
        "gallery", {"draw": [*work, "pictures"]}
    )
    with served(tmp_path_factory.mktemp("wide"), configuration) as started:
        api = Api(started.url)
        api.complete("form")
        api.complete("gallery")
        api.close()
        yield started


@pytest.mark.parametrize("place", [0, 10_000], ids=["top", "bottom"])
def test_the_buttons_of_a_long_start_dialog_stay_in_sight(
    open_page: OpenPage, new_context: NewContext, wide_service: ServedService, place: int
) -> None:
    context = new_context(viewport=SMALL_PHONE)
    page = open_page("/p/form", within=context, url=wide_service.url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.locator("body").press("s")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("field_30")).to_have_count(1)

    dialog.locator(".content").evaluate("(content, place) => (content.scrollTop = place)", place)

    expect(dialog.get_by_role("button", name="Start run")).to_be_in_viewport(ratio=1)
    expect(dialog.get_by_role("button", name="Cancel")).to_be_in_viewport(ratio=1)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)


def test_the_chart_keeps_its_height_beside_a_tall_form_and_shows_dates(
    open_page: OpenPage, wide_service: ServedService
) -> None:
    page = open_page("/p/form", url=wide_service.url)
    plot = page.locator("figure .plot")
    expect(plot).to_be_visible()

    form, chart = page.locator("main form").bounding_box(), page.locator("figure").bounding_box()
    assert form is not None
    assert chart is not None
    assert form["height"] > 1000
    assert chart["height"] < 300
    assert plot.evaluate("plot => plot.offsetHeight") == 150
    expect(page.locator("figure .dates span")).to_have_text(re.compile(r"\d\d:\d\d"))


def test_a_bar_with_the_focus_or_the_pointer_says_which_run_it_is(
    open_page: OpenPage, wide_service: ServedService
) -> None:
    page = open_page("/p/form", url=wide_service.url)
    bar, text = page.locator("figure .plot a"), page.locator("figure .dates")
    expect(text).to_have_text(re.compile(r"^\s*\d\d:\d\d:\d\d\s*$"))

    bar.focus()
    expect(text).to_contain_text("#1 · completed · full")
    bar.blur()
    expect(text).not_to_contain_text("#1")
    bar.hover()

    expect(text).to_contain_text("#1 · completed · full")


def test_a_picture_is_shown_in_its_own_size(open_page: OpenPage, wide_service: ServedService) -> None:
    page = open_page("/p/gallery/runs/2/artifacts/10.svg", url=wide_service.url)
    image = page.get_by_role("img", name="10.svg")
    expect(image).to_have_js_property("naturalWidth", 320)

    assert image.evaluate("image => [image.clientWidth, image.clientHeight]") == [320, 180]


def test_gaps_in_the_numbers_of_records_are_explained(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("survey", params={"stops": "3"})
    page = open_page(f"/p/survey/runs/{run_id}?tab=log")
    expect(page.locator(".log-pane")).to_contain_text("at stop 3")

    numbers = page.locator(".log-pane .row").evaluate_all("rows => rows.map(row => Number(row.dataset.seq))")

    assert len(numbers) < numbers[-1] - numbers[0] + 1
    expect(page.locator(".lines")).to_have_attribute(
        "title",
        "Each output line, step and progress report is a numbered record. Folded records leave gaps in the numbers.",
    )
    expect(page.locator(".log-pane .row.skips .number").first).to_have_attribute(
        "title", re.compile(r"^Records? \d.* before it: progress, or the end of a group\.")
    )
    page.get_by_role("button", name="progress folded").click()
    expect(page.get_by_role("button", name="progress folded")).to_have_count(0)
    expect(page.locator(".log-pane .row.skips")).to_have_count(0)


@pytest.mark.parametrize(("link", "heading"), [("Overview", "Overview"), ("All runs", "All runs")])
def test_a_page_that_does_not_exist_leads_back(open_page: OpenPage, link: str, heading: str) -> None:
    page = open_page("/nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")

    page.get_by_role("main").get_by_role("link", name=link).click()

    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
