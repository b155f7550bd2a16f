"""The lines of a log: their looks, levels, groups, steps, and links."""

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.axe import PHONE
from tests.browser.clipboard import pasted
from tests.browser.conftest import NewContext, OpenPage
from tests.browser.deployments import Deployment
from tests.browser.projects import Api

LEVEL_LABELS = (("debug", "debug"), ("info", "info"), ("warn", "warning"), ("error", "error"))


def test_a_failed_run_opens_at_its_first_error(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})

    page = open_page(f"/p/novel/runs/{run_id}")

    expect(page.locator(".log-pane .row.current")).to_contain_text("placeholder {name} is missing")


def test_shortcuts_move_between_errors_and_lines(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}")
    current = page.locator(".log-pane .row.current .text")
    error = "placeholder {name} is missing from segment 1943"
    expect(current).to_have_text(error)

    page.keyboard.press("e")
    expect(current).to_contain_text("translate failed: exit code 3")
    page.keyboard.press("E")
    expect(current).to_have_text(error)
    page.keyboard.press("k")
    expect(current).to_contain_text("the glossary is old")
    page.keyboard.press("j")
    expect(current).to_have_text(error)


def test_the_next_error_is_searched_from_the_lines_in_view(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel', params={'book': 'broken'})}?tab=log#L1")
    log = page.get_by_role("log")
    expect(log).to_contain_text("fetched")
    expect(log.locator(".row.current")).to_have_count(0)

    log.press("End")
    expect(log).to_contain_text("translate failed: exit code 3")
    page.keyboard.press("E")
    expect(log.locator(".row.current")).to_have_count(0)
    page.keyboard.press("e")

    expect(log.locator(".row.current .text")).to_have_text("placeholder {name} is missing from segment 1943")


def test_output_looks_as_in_a_terminal(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")

    page = open_page(f"/p/novel/runs/{run_id}?tab=log&q=loading")

    pane = page.locator(".log-pane")
    expect(pane).to_contain_text("loading 100%")
    expect(pane).not_to_contain_text("loading 10%")
    page.get_by_role("button", name="Go to the first line").click()
    expect(pane.locator(".f2", has_text="ready")).to_be_visible()
    expect(pane.get_by_role("link", name="https://example.org/docs")).to_have_attribute("rel", "noopener noreferrer")


def test_a_group_folds_and_unfolds(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    page = open_page(f"/p/novel/runs/{run_id}?tab=log")
    group = page.get_by_role("button", name="set up")

    group.click()
    expect(page.locator(".log-pane")).not_to_contain_text("ready, see")
    group.click()
    expect(page.locator(".log-pane")).to_contain_text("ready, see")


def test_the_progress_of_a_step_is_one_line_until_it_is_unfolded(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    page = open_page(f"/p/novel/runs/{run_id}?tab=log")
    count = page.locator(".log .lines")
    toggle = page.locator(".tools").get_by_role("button", name="Show all progress reports")
    expect(page.locator(".log-pane")).to_contain_text("batch 2 of 40")
    total = f"{api.run(run_id)['last_seq']} records"
    expect(count).to_have_text(f"{total}, progress folded")
    page.locator(".log-pane").press("End")
    progress = page.locator(".log-pane .row.progress")
    expect(progress).to_have_text(re.compile("40/40 chapter 40.*40 updates$"))

    progress.get_by_role("button", name="Show all progress reports").click()
    expect(progress).not_to_have_count(1)
    expect(toggle).to_have_attribute("aria-pressed", "true")
    expect(count).to_have_text(total)
    toggle.click()

    expect(progress).to_have_count(1)


def test_a_link_and_a_search_unfold_progress(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    report = next(record for record in api.log(run_id, event="progress") if record["data"]["current"] == 7)

    page = open_page(f"/p/novel/runs/{run_id}?tab=log#L{report['seq']}")
    expect(page.locator(".log-pane .row.marked")).to_contain_text("7/40 chapter 7")
    page.goto(page.url.partition("?")[0] + "?tab=log&q=chapter+8")

    expect(page.locator(".log-pane .row.current mark")).to_have_text("chapter 8")


def test_the_address_contains_the_level_filter(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}?tab=log")
    counts = api.run(run_id)["level_counts"]
    expect(page.locator(".levels button")).to_have_text(
        [f"{label} {counts[level]}" if counts[level] else label for label, level in LEVEL_LABELS]
    )

    page.keyboard.press("3")

    expect(page.locator(".log-pane .row")).to_have_count(counts["error"] + counts["warning"])
    expect(page).to_have_url(re.compile("level=warning"))
    page.reload()
    expect(page.locator(".log-pane")).to_contain_text("the glossary is old")
    expect(page.locator(".log-pane")).not_to_contain_text("batch")


def test_a_step_in_the_timeline_filters_the_log(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    page = open_page(f"/p/novel/runs/{run_id}")

    # Elsewhere in its row, a click goes to a time in the log, as far as the run has lasted.
    page.get_by_role("button", name=re.compile("^render ?, completed")).locator(".name").click()

    expect(page.locator(".log-pane .row")).to_have_count(3)
    expect(page.locator(".log-pane")).to_contain_text("rendered")
    page.get_by_role("button", name="Show all steps").click()
    expect(page.locator(".log-pane")).to_contain_text("translate completed")


def test_lines_can_be_marked_and_copied(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", "fetch")
    page = open_page(f"/p/novel/runs/{run_id}?tab=log")

    page.locator(".log-pane .number", has_text="1").first.click()
    page.locator(".log-pane .number", has_text="3").click(modifiers=["Shift"])
    page.get_by_role("button", name="Copy lines").click()

    expect(page).to_have_url(re.compile("#L1-L3$"))
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert pasted(page) == ["fetch started", "fetched", "fetch completed"]


@pytest.mark.parametrize(("refuses", "result"), [("", "Copied"), ("document.execCommand = () => false", "Not copied")])
def test_lines_are_copied_without_the_clipboard_api(
    open_page: OpenPage, context: BrowserContext, api: Api, refuses: str, result: str
) -> None:
    """As over plain HTTP from another host."""
    context.add_init_script(f"Object.defineProperty(navigator, 'clipboard', {{ value: undefined }}); {refuses}")
    page = open_page(f"/p/novel/runs/{api.complete('novel', 'fetch')}?tab=log#L2")

    page.get_by_role("button", name="Copy line").press("Enter")

    expect(page.get_by_role("button", name=result, exact=True)).to_be_focused()


def test_the_lines_of_a_log_have_the_times_that_the_reader_chooses(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log")
    line = page.locator(".log-pane .row .time").nth(1)
    menu = page.get_by_label("Times of lines")
    expect(line).to_have_text(re.compile(r"^\d\d:\d\d:\d\d\.\d{3}$"))
    line.hover()
    expect(line).to_have_attribute("title", re.compile(r" UTC$"))

    menu.press("ArrowDown")
    page.get_by_role("button", name="Since the start of the run").press("Enter")
    expect(line).to_have_text(re.compile(r"^\d:\d\d:\d\d\.\d{3}$"))
    menu.click()
    page.get_by_role("button", name="Since the previous line").click()
    expect(line).to_have_text(re.compile(r"^\+\d+\.\d+$"))
    page.reload()
    expect(line).to_have_text(re.compile(r"^\+\d+\.\d+$"))
    menu.click()
    expect(page.get_by_role("button", name="Since the previous line")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="No times").click()

    expect(line).to_be_hidden()


def test_the_lines_of_a_log_have_times_on_a_phone_if_the_reader_wants_them(
    open_page: OpenPage, new_context: NewContext, deployment: Deployment, api: Api
) -> None:
    phone = new_context(viewport=PHONE)
    deployment.log_in(phone)
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log", within=phone)
    line = page.locator(".log-pane .row .time").nth(1)
    expect(line).to_be_attached()
    expect(line).to_be_hidden()

    page.get_by_label("Times of lines").click()
    page.get_by_role("button", name="Time of day").click()

    expect(line).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_long_lines_are_wrapped_on_a_phone_until_the_reader_unwraps_them(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/flood/runs/{api.complete('flood', params={'lines': '5'})}?tab=log")
    page.set_viewport_size(PHONE)
    line = page.locator(".log-pane .row", has_text="line 3 of the flood")
    expect(page.locator(".log-pane.wrapped")).to_be_visible()
    assert (line.bounding_box() or {"height": 0})["height"] >= 40

    page.get_by_role("button", name="Wrap long lines").click()
    page.reload()

    expect(line).to_be_visible()
    assert (line.bounding_box() or {"height": 0})["height"] == 20


def test_the_errors_of_a_short_log_are_marked_beside_their_lines(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/limited/runs/{api.complete('limited')}?tab=log&zoom=1")
    error = page.locator(".log-pane .row.error").last
    expect(error).to_be_visible()
    mark = page.locator(".log-pane .marks .errors")
    expect(mark).to_have_attribute("d", re.compile("h1"))

    line, drawn = error.bounding_box(), mark.bounding_box()

    assert line
    assert drawn
    assert line["y"] < drawn["y"] + drawn["height"] < line["y"] + line["height"]
