"""The search in a log: what it shows while it runs, and when its request ends."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.browser.conftest import OpenPage
from tests.browser.held import Hold
from tests.browser.projects import Api

SEARCHES = re.compile(r"/api/v1/runs/\d+/log\?.*\bq=")

RECORD_ENDED = """
window.ended = [];
const send = window.fetch;
window.fetch = async (request, options) => {
  try {
    return await send(request, options);
  } catch (error) {
    if (error.name === 'AbortError') ended.push(new URL(request.url).searchParams.get('q'));
    throw error;
  }
};
"""
"""In Firefox, Playwright does not report the end of a request that it holds."""


@pytest.fixture
def slow_page(open_page: OpenPage, context: BrowserContext, api: Api) -> Page:
    """The log of a run. The service does not answer its searches."""
    context.add_init_script(RECORD_ENDED)
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log")
    expect(page.get_by_role("log")).to_contain_text("batch 1 of 40")
    page.route(SEARCHES, lambda route: None)
    return page


def _query(request: Request) -> str:
    return parse_qs(urlsplit(request.url).query).get("q", [""])[0]


def test_a_search_is_under_way_until_the_service_answers(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log")
    expect(page.get_by_role("log")).to_contain_text("batch 1 of 40")
    hold = Hold(page, SEARCHES)
    count = page.locator(".search .count")

    page.keyboard.press("/")
    page.keyboard.insert_text("batch")
    search = hold.wait(page)
    expect(count).to_have_text("Searching…")
    search.release()

    expect(count).to_have_text("1 of 40")


def test_a_frequent_word_is_shown_before_all_of_it_is_counted(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/flood/runs/{api.complete('flood', params={'lines': '30000'})}?tab=log")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(_query(request)))

    page.get_by_role("searchbox", name="Search the log").fill("of the flood")

    expect(page.locator(".log-pane mark").first).to_be_visible()
    expect(page.locator(".search .count")).to_have_text("1 of 10,000+")
    assert requests.count("of the flood") == 1 + 10, "the first match, and ten pages that count"
    page.get_by_role("button", name="Previous match").click()
    expect(page.locator(".log-pane .row.current")).to_contain_text("line 30000 of")


def test_a_search_of_a_long_log_says_how_far_it_is_until_it_is_ended(
    open_page: OpenPage, api: Api, context: BrowserContext
) -> None:
    context.add_init_script(RECORD_ENDED)
    page = open_page(f"/p/flood/runs/{api.complete('flood', params={'lines': '100000'})}?tab=log")
    hold = Hold(page, re.compile(r"/log\?.*\bscan=300000\b"))

    page.get_by_role("searchbox", name="Search the log").fill("no such line")
    hold.wait(page)
    expect(page.locator(".search .count")).to_have_text("Searching…")
    expect(page.locator(".search .progress")).to_have_text(re.compile(r"^(49|50) % Esc$"))
    page.keyboard.press("Escape")

    page.wait_for_function("() => ended.includes('no such line')")
    expect(page.locator(".search .count")).to_have_count(0)


def test_a_late_match_does_not_take_the_reader_away(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/flood/runs/{api.complete('flood', params={'lines': '300'})}?tab=log")
    hold = Hold(page, SEARCHES)
    log = page.get_by_role("log")

    page.get_by_role("searchbox", name="Search the log").fill("line 290 of")
    search = hold.wait(page)
    page.get_by_role("button", name="Go to the first line").click()
    search.release()

    expect(page.locator(".search .count")).to_have_text("1 of 1")
    expect(log).to_contain_text("line 1 of the flood")
    page.get_by_role("button", name="Next match").click()
    expect(log.locator("mark")).to_have_text("line 290 of")


def test_a_search_without_matches_shows_a_note_after_the_response(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log&q=missing-word")

    expect(page.locator(".search .count")).to_have_text("No matches")


def test_a_failed_search_shows_its_error(slow_page: Page) -> None:
    slow_page.unroute(SEARCHES)
    slow_page.route(SEARCHES, lambda route: route.fulfill(status=503, body="{}"))

    slow_page.keyboard.press("/")
    slow_page.keyboard.insert_text("batch")

    expect(slow_page.locator(".search .count")).to_have_text("Search failed")


def test_a_search_ends_its_request_when_another_follows(slow_page: Page) -> None:
    slow_page.keyboard.press("/")
    with slow_page.expect_request(lambda request: _query(request) == "batch"):
        slow_page.keyboard.insert_text("batch")

    slow_page.keyboard.insert_text(" 2")

    slow_page.wait_for_function("() => ended.includes('batch')")


@pytest.mark.parametrize("leave", ["Escape", "tab"])
def test_a_search_ends_its_request_when_the_reader_leaves_it(slow_page: Page, leave: str) -> None:
    slow_page.keyboard.press("/")
    with slow_page.expect_request(lambda request: _query(request) == "batch"):
        slow_page.keyboard.insert_text("batch")

    if leave == "tab":
        slow_page.get_by_role("tab", name="Events").click()
    else:
        slow_page.keyboard.press(leave)

    slow_page.wait_for_function("() => ended.includes('batch')")


def test_a_link_to_a_line_shows_it_beside_a_search(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    line = next(record["seq"] for record in api.log(run_id, limit=1000) if record["message"] == "rendered")

    page = open_page(f"/p/novel/runs/{run_id}?tab=log&q=batch+1+of#L{line}")

    expect(page.locator(".search .count")).to_have_text("1 of 1")
    expect(page.locator(".log-pane .row.marked")).to_be_in_viewport()
    expect(page.locator(".log-pane .row.marked")).to_contain_text("rendered")


@pytest.mark.parametrize("filters", ["q=batch&only=1", "q=ba.ch&regex=1&only=1", "step=translate", "level=error"])
def test_a_link_to_a_line_shows_it_although_its_filters_would_hide_it(
    open_page: OpenPage, api: Api, filters: str
) -> None:
    run_id = api.complete("novel")
    line = next(record["seq"] for record in api.log(run_id, limit=1000) if record["message"] == "rendered")

    page = open_page(f"/p/novel/runs/{run_id}?tab=log&{filters}#L{line}")

    expect(page.locator(".log-pane .row.marked")).to_be_in_viewport()
    expect(page.locator(".log-pane .row.marked")).to_contain_text("rendered")
    page.keyboard.press("3")
    expect(page.locator(".log-pane .row.marked")).to_have_count(0)


def test_a_link_to_another_line_of_the_same_log_shows_it(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/flood/runs/{api.complete('flood', params={'lines': '900'})}?tab=log")
    rows, marked = page.locator(".log-pane .row"), page.locator(".log-pane .row.marked")
    expect(rows.filter(has_text="line 1 of the flood")).to_be_visible()

    page.evaluate("location.hash = '#L800'")

    expect(marked).to_contain_text("line 799 of the flood")
    expect(marked).to_be_in_viewport()
    first = rows.first.get_attribute("data-seq") or ""
    page.locator(".log-pane .row[data-seq='801'] .number").click()
    expect(marked).to_contain_text("line 800 of the flood")
    expect(rows.first).to_have_attribute("data-seq", first)


def test_only_matches_are_shown_until_the_filter_is_removed(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}?tab=log&q=batch+2")
    rows, only = page.locator(".log-pane .row"), page.get_by_role("button", name="Show only matches")
    expect(page.locator(".search .count")).to_have_text("11 of 11")

    only.click()
    expect(rows).to_have_count(11)
    expect(rows.locator("mark")).to_have_count(11)
    expect(page).to_have_url(re.compile(r"q=batch\+2&only=1$"))
    page.get_by_role("searchbox", name="Search the log").fill("batch 3")
    expect(rows).to_have_count(11)
    expect(rows.first).to_contain_text("batch 3 of 40")
    rows.nth(4).locator(".number").click()
    only.click()
    expect(rows).not_to_have_count(11)
    expect(page.locator(".log-pane .row.marked")).to_contain_text("batch 33 of 40")
    only.click()
    page.get_by_role("searchbox", name="Search the log").fill("nothing like it")
    expect(page.get_by_text("No records with “nothing like it”.")).to_be_visible()
    page.get_by_role("button", name="Show all records").click()

    expect(rows).not_to_have_count(0)


def test_a_match_shows_the_lines_around_it_and_hides_them_again(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log&q=batch+22+of&only=1")
    rows, context = page.locator(".log-pane .row"), page.locator(".log-pane .row.context")
    expect(rows).to_have_count(1)

    rows.get_by_role("button", name="The lines before and after").click()
    expect(rows).to_have_count(5)
    expect(context).to_have_count(4)
    # The line on stderr, which has its own pipe, may come between any two others.
    expect(context.filter(has_text="22/40 chapter 22")).to_have_count(1)
    expect(rows.nth(2).locator("mark")).to_have_text("batch 22 of")
    expect(page.locator(".search .count")).to_have_text("1 of 1")
    page.locator(".log-pane").press("c")

    expect(rows).to_have_count(1)


def test_a_key_switches_between_finding_and_filtering(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log")
    rows, search = page.locator(".log-pane .row"), page.get_by_role("searchbox", name="Search the log")
    expect(rows.first).to_be_visible()

    page.keyboard.press("Alt+/")
    expect(search).to_be_focused()
    page.keyboard.insert_text("batch 2")
    expect(rows).to_have_count(11)
    page.keyboard.press("Alt+/")
    expect(rows).not_to_have_count(11)

    expect(search).to_be_focused()


def test_a_search_matches_case_words_and_expressions(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log&q=BATCH+4")
    count, marks = page.locator(".search .count"), page.locator(".log-pane mark")
    switches = page.get_by_role("group", name="How to search").get_by_role("button")
    expect(count).to_have_text("1 of 2")

    page.get_by_role("button", name="Match whole words").click()
    expect(count).to_have_text("1 of 1")
    page.get_by_role("button", name="Match case").click()
    expect(count).to_have_text("No matches")
    page.get_by_role("button", name="Match whole words").click()
    page.get_by_role("button", name="Use a regular expression").click()
    page.get_by_role("searchbox", name="Search the log").fill("batch [0-9]*7 of .*$")
    expect(count).to_have_text("1 of 4")
    expect(marks.first).to_have_text("batch 7 of 40")
    assert [switch.get_attribute("aria-pressed") for switch in switches.all()] == ["true", "false", "true"]
    expect(page).to_have_url(re.compile(r"q=batch.*&match_case=1&regex=1$"))

    page.reload()
    expect(count).to_have_text("1 of 4")
    page.get_by_role("searchbox", name="Search the log").fill("batch (")
    expect(page.get_by_role("status").filter(has_text="Not a valid expression")).to_be_visible()


def test_only_matches_of_a_live_log_are_added(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}?tab=log&q=5&only=1")
    texts = page.locator(".log-pane .row .text")
    expect(texts.last).to_contain_text("tick ")
    shown = texts.last.inner_text()

    expect(texts.last).not_to_have_text(shown)
    api.cancel(run_id)

    assert [text for text in texts.all_inner_texts() if "5" not in text] == []


def test_bracket_keys_go_from_step_to_step(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}?tab=log")
    current = page.locator(".log-pane .row.current")
    expect(page.locator(".log-pane")).to_contain_text("fetch started")

    page.keyboard.press("]")
    expect(current).to_contain_text("fetch started")
    page.keyboard.press("]")
    expect(current).to_contain_text("fetch completed")
    page.keyboard.press("]")
    expect(current).to_contain_text("translate started")
    page.keyboard.press("[")

    expect(current).to_contain_text("fetch completed")
