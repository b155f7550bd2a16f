"""Accessibility of every page (axe, WCAG 2.2 AA) in light and dark, on a desktop and a phone, and beyond axe."""

import re

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.browser.axe import DESKTOP, PHONE, violations_everywhere
from tests.browser.browsers import launch
from tests.browser.conftest import OpenPage
from tests.browser.pages import PATHS, complete_runs
from tests.browser.projects import Api
from tests.fakes.running_service import ServedService

FIND_OVERFLOWING = """selector => [...document.querySelector(selector).querySelectorAll('*')]
  .filter(one => !one.matches('.sr, .sr *'))
  .filter(one => one.getBoundingClientRect().right > innerWidth || one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).display !== 'inline')
  .map(one => `${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`)"""
"""Elements that extend beyond the window, or that scroll."""

SHAPES = """selector => ["completed", "failed", "cancelled", "interrupted"].map(state => {
  const bar = document.querySelector(selector);
  const marked = bar.closest(".completed");
  marked.classList.replace("completed", state);
  const { clipPath, borderStyle, backgroundImage, backgroundColor } = getComputedStyle(bar);
  const shape = [clipPath, borderStyle, backgroundImage, backgroundColor === "rgba(0, 0, 0, 0)"].join();
  marked.classList.replace(state, "completed");
  return shape;
})"""
"""How an element of a completed run is drawn without its colour, and how it would be in the other states."""


@pytest.fixture(scope="module")
def runs(service: ServedService) -> dict[str, int]:
    api = Api(service.url)
    completed = complete_runs(api)
    api.close()
    return completed


@pytest.mark.parametrize("name", PATHS)
def test_a_page_has_no_violations_and_fits_a_phone(open_page: OpenPage, runs: dict[str, int], name: str) -> None:
    page = open_page(PATHS[name].format(**runs))
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    places = _places_by_label(page)
    if name == "cards":
        page.get_by_role("button", name="Cards").click()

    violations = violations_everywhere(page, [DESKTOP, PHONE])
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert violations == {}
    assert overflow <= 0
    # Links with the same name lead to the same place.
    assert len(places) > 2
    assert {label: found for label, found in places.items() if len(found) > 1} == {}


def _places_by_label(page: Page) -> dict[str, set[str]]:
    """Where the links of a page lead, by what a screen reader says."""
    places: dict[str, set[str]] = {}
    for label, place in re.findall(
        r'- link "(.+?)".*?:\n(?:.*\n)*?\s+- /url: (.+)', page.locator("body").aria_snapshot()
    ):
        places.setdefault(label, set()).add(place)
    return places


@pytest.mark.parametrize("width", [390, 320])
def test_the_comparison_of_two_runs_fits_a_phone(open_page: OpenPage, api: Api, width: int) -> None:
    first = api.complete("novel", params={"book": "a long title that goes on and on, the second edition, revised"})
    second = api.complete("novel", params={"book": "https://example.org/" + "a-path-without-a-space/" * 6})
    page = open_page(f"/compare/{first}/{second}")
    expect(page.locator("table")).to_have_count(2)

    violations = violations_everywhere(page, [{"width": width, "height": 844}])
    outside = page.evaluate(FIND_OVERFLOWING, "main")
    expect(page.get_by_role("row", name=re.compile("^translate"))).to_have_text(re.compile(r"s.*s.*(the same|%\))$"))
    page.get_by_role("main").get_by_role("link", name=f"#{second}", exact=True).focus()
    page.keyboard.press("Enter")

    assert violations == {}
    assert outside == []
    expect(page.get_by_role("heading", name=f"#{second}")).to_be_visible()


@pytest.mark.parametrize("name", ["compare", "parameters", "nowhere"])
def test_a_page_that_fits_the_window_does_not_scroll(open_page: OpenPage, runs: dict[str, int], name: str) -> None:
    page = open_page(PATHS[name].format(**runs))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)

    overflow = page.evaluate("document.documentElement.scrollHeight - innerHeight")

    assert overflow == 0


@pytest.mark.parametrize("key", ["s", "?", "Control+k"])
def test_a_dialog_has_no_violations(open_page: OpenPage, key: str) -> None:
    page = open_page("/")
    expect(page.get_by_role("article").first).to_be_visible()

    page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_be_visible()

    assert violations_everywhere(page, [DESKTOP, PHONE]) == {}


def test_the_dialog_of_a_cancel_has_no_violations(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/ticker/runs/{api.start('ticker')}")
    expect(page.get_by_role("main").get_by_role("button", name="Cancel")).to_be_enabled()

    page.keyboard.press("x")
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_visible()

    assert violations_everywhere(page, [DESKTOP, PHONE]) == {}


def test_the_commands_that_match_have_no_violations(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}")
    expect(page.locator("header .badge")).to_have_text("failed")

    page.keyboard.press("Control+k")
    page.get_by_label("Search commands").fill("nov")
    expect(page.get_by_role("option", name=f"#{run_id} novel").first).to_be_visible()

    assert violations_everywhere(page, [DESKTOP, PHONE]) == {}


def test_the_fields_of_parameters_with_errors_have_no_violations(open_page: OpenPage) -> None:
    page = open_page("/p/release")
    page.get_by_label("replicas").fill("10")

    page.get_by_role("button", name="Start run").click()
    expect(page.locator('[aria-invalid="true"]')).to_have_count(2)

    assert violations_everywhere(page, [DESKTOP, {"width": 390, "height": 844}]) == {}


def test_the_dialog_of_a_rerun_has_no_violations(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel', params={'book': 'broken'})}")

    page.get_by_role("button", name="Run again…").click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(3)

    assert violations_everywhere(page, [DESKTOP, PHONE]) == {}


def test_a_dialog_that_is_taller_than_the_window_has_one_scrollbar(open_page: OpenPage) -> None:
    page = open_page("/")
    page.set_viewport_size({"width": 1440, "height": 400})
    expect(page.get_by_role("article").first).to_be_visible()

    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()

    scrolls = "[...document.querySelectorAll('dialog, dialog div')].filter(one => one.scrollHeight > one.clientHeight)"
    scrolling = page.evaluate(f"{scrolls}.length")
    assert scrolling == 1


def test_reduced_motion_stops_animations(open_page: OpenPage, playwright: Playwright, api: Api) -> None:
    path = f"/p/ticker/runs/{api.start('ticker')}"
    is_moving = "document.getAnimations().some(one => one.playState === 'running')"
    open_page(path).wait_for_function(is_moving)

    with launch(playwright, **{"ui.prefersReducedMotion": 1}) as browser:
        page = open_page(path, within=browser.new_context(reduced_motion="reduce"))
        expect(page.locator("header .badge")).to_have_text("running")
        page.wait_for_function(f"!{is_moving}")


def test_times_are_relative_with_the_exact_time_on_hover(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", "fetch")

    page = open_page(f"/p/novel/runs/{run_id}")

    shown = page.locator("header time")
    expect(shown).to_have_text(re.compile("just now|s ago"))
    expect(shown).to_have_attribute("title", re.compile(r"\d{1,2}:\d\d:\d\d"))
    expect(shown).to_have_attribute("datetime", api.run(run_id)["created_at"][:23] + "Z")


def test_status_changes_are_announced_and_log_lines_are_not(open_page: OpenPage, api: Api) -> None:
    page = open_page("/")
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")

    run_id = api.complete("novel")

    expect(page.locator("[role=status][aria-live=polite]").last).to_have_text(f"novel, run {run_id}: completed")
    page.goto(page.url + f"p/novel/runs/{run_id}")
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")


def test_a_cut_title_ends_before_the_button_beside_it(open_page: OpenPage) -> None:
    page = open_page("/")
    card = page.get_by_role("article", name=re.compile("^a-name-that-is"))
    expect(card.get_by_role("button", name="Start")).to_be_visible()

    title, button = card.evaluate(
        "card => ['h3 a', 'button'].map(name => card.querySelector(name).getBoundingClientRect().toJSON())"
    )

    assert title["right"] <= button["left"]
    assert title["height"] >= 24


@pytest.mark.parametrize(
    ("path", "selector", "shapes"),
    [
        ("/", ".bars .completed", 4),
        # The steps after a failed one have no bar.
        ("/", ".strip .completed", 3),
        ("/p/novel", ".plot .completed i", 4),
    ],
)
def test_the_states_of_earlier_runs_differ_by_more_than_their_colour(
    open_page: OpenPage, runs: dict[str, int], path: str, selector: str, shapes: int
) -> None:
    page = open_page(path)
    if path == "/":
        page.get_by_role("button", name="Cards").click()
    expect(page.locator(selector).first).to_be_attached()

    assert len(set(page.evaluate(SHAPES, selector))) == shapes
