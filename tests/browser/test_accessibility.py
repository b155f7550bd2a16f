"""Accessibility of every page (axe, WCAG 2.2 AA) in light and dark, on a desktop and a phone, and beyond axe."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.browsers import not_in_firefox
from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.running_service import ServedService

AXE = Path(__file__).parents[2] / "app" / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
FIND_VIOLATIONS = """async rules => {
  const {violations} = await axe.run(document, rules);
  return violations.map(({id, nodes}) => [id, nodes.slice(0, 3).map(node => node.target)]);
}"""
"""The violations and where they are. The rest of the result stays in the page, because it is slow to transfer."""
DESKTOP: ViewportSize = {"width": 1440, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FIND_OVERFLOWING = """selector => [...document.querySelector(selector).querySelectorAll('*')]
  .filter(one => !one.matches('.sr, .sr *'))
  .filter(one => one.getBoundingClientRect().right > innerWidth || one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).display !== 'inline')
  .map(one => `${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`)"""
"""Elements that extend beyond the window, or that scroll."""
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Two frames, after which a change of size or colours is drawn."""


@pytest.fixture(scope="module")
def paths(service: ServedService) -> dict[str, str]:
    api = Api(service.url)
    good = api.complete("novel")
    failed = api.complete("novel", params={"book": "broken"})
    report = api.complete("report")
    terminal = api.complete("terminal")
    crash = api.complete("crash")
    notes, more_notes = api.complete("notes"), api.complete("notes", params={"text": "one more " * 30})
    api.close()
    return {
        "overview": "/",
        "project": "/p/novel",
        "runs": "/runs",
        "resources": "/resources",
        "workers": "/workers",
        "schedules": "/schedules",
        "notifications": "/notifications",
        "completed": f"/p/novel/runs/{good}",
        "failed": f"/p/novel/runs/{failed}?step=translate&q=batch#L5-L7",
        "artifacts": f"/p/report/runs/{report}?tab=artifacts",
        "parameters": f"/p/novel/runs/{failed}?tab=parameters",
        "events": f"/p/novel/runs/{failed}?tab=events",
        "markdown": f"/p/report/runs/{report}/artifacts/report.md",
        "references": f"/p/report/runs/{report}/artifacts/references.md",
        "table": f"/p/report/runs/{report}/artifacts/words.csv",
        "compare": f"/compare/{good}/{failed}",
        "differences": f"/compare/{notes}/{more_notes}?log=1&file=note.txt",
        "colours": f"/p/terminal/runs/{terminal}?tab=log",
        "crash": f"/p/crash/runs/{crash}",
        "image": f"/p/report/runs/{report}/artifacts/figures/dot.png",
        "no run": "/p/novel/runs/999999",
        "no run by number": "/runs/999999",
        "no project": "/p/missing",
        "no artifact": f"/p/report/runs/{report}/artifacts/nothing.txt",
        "no comparison": "/compare/999998/999999",
        "nowhere": "/nowhere",
    }


def _violations(page: Page) -> list[Any]:
    found: list[Any] = page.evaluate(FIND_VIOLATIONS, RULES)
    return found


def violations_everywhere(page: Page, sizes: Sequence[ViewportSize]) -> dict[str, list[Any]]:
    """Violations on a page in light and dark at each size. The page is loaded once."""
    page.evaluate(AXE.read_text())
    found = {}
    for size in sizes:
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.evaluate(SETTLED)
            found[f"{scheme}, {size['width']} px"] = _violations(page)
    return {variant: violations for variant, violations in found.items() if violations}


@pytest.mark.parametrize(
    "name",
    [
        "overview",
        "project",
        "runs",
        "resources",
        "workers",
        "schedules",
        "notifications",
        "completed",
        "failed",
        "artifacts",
        "parameters",
        "events",
        "markdown",
        "references",
        "table",
        "compare",
        "differences",
        "colours",
        "crash",
        "image",
        "no run",
        "no run by number",
        "no project",
        "no artifact",
        "no comparison",
        "nowhere",
    ],
)
def test_a_page_has_no_violations_and_fits_a_phone(open_page: OpenPage, paths: dict[str, str], name: str) -> None:
    page = open_page(paths[name])
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)

    violations = violations_everywhere(page, [DESKTOP, PHONE])
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert violations == {}
    assert overflow <= 0


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
def test_a_page_that_fits_the_window_does_not_scroll(open_page: OpenPage, paths: dict[str, str], name: str) -> None:
    page = open_page(paths[name])
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

    assert violations_everywhere(page, [DESKTOP]) == {}


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


def test_the_focused_log_has_a_visible_focus_ring(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}")
    log = page.get_by_role("region", name="Log")
    expect(page.get_by_role("log")).to_contain_text("fetch started")
    expect(log).to_have_css("outline-style", "none")

    page.get_by_role("log").press("Home")

    expect(page.get_by_role("log")).to_be_focused()
    expect(log).to_have_css("outline", re.compile("solid 2px"))
    expect(page.get_by_role("log")).to_have_css("outline-style", "none")


def test_a_dialog_that_is_taller_than_the_window_has_one_scrollbar(open_page: OpenPage) -> None:
    page = open_page("/")
    page.set_viewport_size({"width": 1440, "height": 400})
    expect(page.get_by_role("article").first).to_be_visible()

    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()

    scrolls = "[...document.querySelectorAll('dialog, dialog div')].filter(one => one.scrollHeight > one.clientHeight)"
    scrolling = page.evaluate(f"{scrolls}.length")
    assert scrolling == 1


@not_in_firefox("reduce motion")
def test_reduced_motion_stops_animations(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.locator("header .badge")).to_have_text("running")
    is_moving = "document.getAnimations().some(one => one.playState === 'running')"
    page.wait_for_function(is_moving)

    page.emulate_media(reduced_motion="reduce")

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
    button = page.locator(".tools summary")
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


def test_a_cut_title_ends_before_the_button_beside_it(open_page: OpenPage) -> None:
    page = open_page("/")
    card = page.get_by_role("article", name=re.compile("^a-name-that-is"))
    expect(card.get_by_role("button", name="Start")).to_be_visible()

    title, button = card.evaluate(
        "card => ['h2 a', 'button'].map(name => card.querySelector(name).getBoundingClientRect().toJSON())"
    )

    assert title["right"] <= button["left"]
    assert title["height"] >= 24
