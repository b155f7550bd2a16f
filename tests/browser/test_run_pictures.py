"""The pictures among a run's artifacts, on the run's page."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.browser.axe import DESKTOP, PHONE, violations_everywhere
from tests.browser.conftest import NewContext, OpenPage
from tests.browser.held import Hold
from tests.browser.projects import Api
from tests.browser.shifts import COUNT_SHIFTS, QUIET, counts_shifts, forget_shifts
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    work = [sys.executable, str(Path(__file__).with_name("work.py")), "pictures"]
    wait = "test ! -e gate || sleep 600"
    configuration = project_toml("gallery", {"draw": work, "wait": wait}, params=["code"], cancel_grace="1s")
    with served(tmp_path_factory.mktemp("gallery"), configuration) as started:
        yield started


@pytest.fixture
def gallery_api(gallery: ServedService) -> Iterator[Api]:
    api = Api(gallery.url)
    yield api
    api.cancel_all()
    api.close()


def _open(open_page: OpenPage, gallery: ServedService, run_id: int) -> Page:
    return open_page(f"/p/gallery/runs/{run_id}", url=gallery.url)


def _show_pictures(page: Page) -> Locator:
    """The pictures, which wait for a click if they came late."""
    pictures = page.get_by_role("region", name="Pictures")
    late = page.get_by_role("button", name="Show pictures")
    expect(pictures.or_(late)).to_be_visible()
    if late.is_visible():
        late.click()
    return pictures


def test_an_ended_run_shows_its_first_pictures_and_each_leads_to_its_page(
    open_page: OpenPage, gallery: ServedService, gallery_api: Api
) -> None:
    page = _open(open_page, gallery, gallery_api.complete("gallery"))
    pictures = _show_pictures(page)

    expect(pictures.get_by_role("listitem")).to_have_text([f"{number}.svg" for number in range(10, 22)])
    above, below = pictures.bounding_box(), page.locator(".gantt").bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"]
    expect(pictures.locator("img").first).to_have_js_property("naturalWidth", 320)
    assert violations_everywhere(page, [DESKTOP, PHONE]) == {}
    pictures.get_by_role("link", name="11.svg").click()

    image = page.get_by_role("img", name="11.svg")
    expect(image).to_have_js_property("naturalWidth", 320)
    assert image.evaluate("image => [image.width, image.height]") == [320, 180]


def test_a_picture_with_a_script_runs_none(open_page: OpenPage, gallery: ServedService, gallery_api: Api) -> None:
    page = _open(open_page, gallery, gallery_api.complete("gallery"))
    _show_pictures(page)

    expect(page.locator("main img").first).to_have_js_property("naturalWidth", 320)

    assert page.evaluate("window.taken") is None
    expect(page).not_to_have_title("taken over")


def test_only_pictures_near_the_view_are_loaded(
    open_page: OpenPage, new_context: NewContext, gallery: ServedService, gallery_api: Api
) -> None:
    run_id = gallery_api.complete("gallery")
    page = open_page(f"/p/gallery/runs/{run_id}", within=new_context(viewport=PHONE), url=gallery.url)
    images = _show_pictures(page).locator("img")
    expect(images.first).to_have_js_property("naturalWidth", 320)
    expect(images.last).not_to_have_attribute("src", re.compile("."))

    images.last.scroll_into_view_if_needed()

    expect(images.last).to_have_js_property("naturalWidth", 320)


@counts_shifts
@pytest.mark.parametrize(("code", "size"), [("0", DESKTOP), ("3", PHONE)], ids=["completed, desktop", "failed, phone"])
def test_a_late_picture_moves_nothing(
    open_page: OpenPage,
    new_context: NewContext,
    gallery: ServedService,
    gallery_api: Api,
    size: ViewportSize,
    code: str,
) -> None:
    run_id = gallery_api.complete("gallery", params={"code": code})
    context = new_context(viewport=size)
    context.add_init_script(COUNT_SHIFTS)
    listing = Hold(context, re.compile(r"/artifacts$"), is_answered=True)
    picture = Hold(context, re.compile(r"/10\.svg$"))

    page = open_page(f"/p/gallery/runs/{run_id}", within=context, url=gallery.url)
    listing.wait(page).release()
    _show_pictures(page)
    request = picture.wait(page)
    forget_shifts(page)
    request.release()
    expect(page.get_by_role("region", name="Pictures").locator("img").first).to_have_js_property("naturalWidth", 320)
    shifts = page.evaluate(QUIET)

    assert sum(value for value, *_ in shifts) <= 0.05, shifts


@counts_shifts
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_moves_when_a_run_that_is_watched_ends_with_pictures(
    open_page: OpenPage, new_context: NewContext, gallery: ServedService, gallery_api: Api, size: ViewportSize
) -> None:
    gate = gallery.directory / "gate"
    gate.touch()
    run_id = gallery_api.start("gallery")
    context = new_context(viewport=size)
    context.add_init_script(COUNT_SHIFTS)
    page = open_page(f"/p/gallery/runs/{run_id}", within=context, url=gallery.url)
    expect(page.get_by_role("tab", name="Artifacts 14")).to_be_visible()
    expect(page.locator("header .badge")).to_have_text("running")
    gallery_api.cancel(run_id)
    gate.unlink()
    show = page.get_by_role("button", name="Show pictures")
    expect(show).to_be_visible()
    expect(page.get_by_role("region", name="Pictures")).to_have_count(0)
    place = page.locator(".gantt").bounding_box()
    page.evaluate(QUIET)

    assert page.locator(".gantt").bounding_box() == place
    show.click()
    expect(page.get_by_role("region", name="Pictures").get_by_role("listitem")).to_have_count(12)
    expect(show).to_have_count(0)


@counts_shifts
def test_a_late_list_of_artifacts_moves_nothing(
    open_page: OpenPage, new_context: NewContext, gallery: ServedService, gallery_api: Api
) -> None:
    run_id = gallery_api.complete("gallery")
    context = new_context()
    context.add_init_script(COUNT_SHIFTS)
    listing = Hold(context, re.compile(r"/artifacts$"))
    page = open_page(f"/p/gallery/runs/{run_id}", within=context, url=gallery.url)
    request = listing.wait(page)
    expect(page.locator(".gantt")).to_be_visible()
    page.evaluate(QUIET)

    request.release()
    expect(page.get_by_role("button", name="Show pictures")).to_be_visible()
    shifts = page.evaluate(QUIET)

    assert sum(value for value, *_ in shifts) <= 0.05, shifts
    page.get_by_role("tab", name="Log").click()
    page.get_by_role("tab", name="Run").click()
    expect(page.get_by_role("region", name="Pictures")).to_be_visible()
