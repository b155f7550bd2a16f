"""How the log shows the output of programs that write for terminals."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.running_service import ServedService


@pytest.fixture(scope="module")
def address(service: ServedService) -> str:
    """The log of a run that prints what terminals understand."""
    api = Api(service.url)
    run_id = api.complete("terminal")
    api.close()
    return f"/p/terminal/runs/{run_id}?tab=log"


def test_modes_are_dropped_and_links_work(open_page: OpenPage, address: str) -> None:
    page = open_page(address)
    pane = page.locator(".log-pane")

    expect(pane.locator(".text", has_text="modes")).to_have_text("modes are dropped")
    expect(pane.get_by_role("link", name="the report")).to_have_attribute("href", "https://example.org/report")
    expect(pane.get_by_role("link", name="the report")).to_have_attribute("rel", "noopener noreferrer")
    expect(pane.get_by_role("link", name="https://example.org/x_(y)")).to_be_visible()


def test_characters_that_reverse_text_are_shown_as_marks(open_page: OpenPage, address: str) -> None:
    page = open_page(address)

    expect(page.locator(".log-pane .text", has_text="gnp.exe")).to_have_text("userU+202Egnp.exe")


def test_standard_error_is_marked(open_page: OpenPage, address: str) -> None:
    page = open_page(address)
    rows = page.locator(".log-pane .row.stderr")

    expect(rows).to_have_count(1)
    expect(rows.locator(".text")).to_have_text("to the other stream")
    expect(rows.locator(".level")).to_have_text("stderr")


def test_a_coloured_line_of_spaces_wraps(open_page: OpenPage, address: str) -> None:
    page = open_page(address)
    line = page.locator(".log-pane .row", has=page.locator(".b4:not(.f1)"))
    expect(line).to_have_css("height", "20px")

    page.get_by_role("button", name="Wrap long lines").click()

    expect(line).to_have_css("height", re.compile("^[468]0px$"))
    assert page.locator(".log-pane").evaluate("pane => pane.scrollWidth - pane.clientWidth") == 0


def test_one_stream_is_shown(open_page: OpenPage, address: str) -> None:
    page = open_page(address)
    rows = page.locator(".log-pane .row")
    expect(rows).not_to_have_count(1)

    page.get_by_label("Stream").select_option("stderr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("to the other stream")
    page.reload()
    expect(rows).to_have_count(1)
    page.goto(page.url.replace("stream=stderr", "stream=step&level=error"))
    expect(page.get_by_text("No errors from step.")).to_be_visible()
    page.get_by_role("button", name="Show all records").click()

    expect(page.get_by_label("Stream")).to_have_value("")
    expect(page.locator(".log-pane")).to_contain_text("after all groups")


def test_a_hit_after_a_letter_that_grows_in_lower_case_is_marked_exactly(open_page: OpenPage, address: str) -> None:
    page = open_page(f"{address}&q=needle")

    expect(page.locator(".log-pane mark")).to_have_text("needle")


def test_lines_after_an_inner_group_belong_to_the_outer(open_page: OpenPage, address: str) -> None:
    page = open_page(address)
    pane = page.locator(".log-pane")

    page.get_by_role("button", name="inner").click()
    expect(pane).not_to_contain_text("in the inner")
    expect(pane).to_contain_text("last of the outer")
    page.get_by_role("button", name="outer").click()

    expect(pane).not_to_contain_text("last of the outer")
    expect(pane).to_contain_text("after all groups")


def test_a_search_unfolds_the_group_of_its_hit(open_page: OpenPage, address: str) -> None:
    page = open_page(address)
    page.get_by_role("button", name="outer").click()
    expect(page.locator(".log-pane")).not_to_contain_text("in the inner")

    page.get_by_label("Search the log").fill("in the inner")

    expect(page.locator(".search .count")).to_have_text("1 of 1")
    expect(page.locator(".log-pane .row.current mark")).to_have_text("in the inner")


def test_a_link_to_a_line_unfolds_its_group(open_page: OpenPage, address: str) -> None:
    page = open_page(address)
    line = page.locator(".log-pane .row", has_text="in the inner").get_attribute("data-seq")
    page.get_by_role("button", name="outer").click()
    expect(page.locator(".log-pane")).not_to_contain_text("in the inner")

    page.evaluate("hash => { location.hash = hash; }", f"L{line}")

    expect(page.locator(".log-pane .row.marked")).to_contain_text("in the inner")


def test_a_line_of_json_shows_its_message_and_all_fields_on_request(open_page: OpenPage, address: str) -> None:
    page = open_page(address)
    row = page.locator(".log-pane .row", has_text="rate limited")
    text, tree = row.locator(".text"), row.locator(".tree")
    expect(text).to_have_text('▸ rate limited  attempt=2 user={"id":42,"tags":["a","b"]}')
    expect(row.locator(".level")).to_have_text("WARN")

    row.locator(".json").click()
    expect(tree).to_be_in_viewport()
    expect(tree.get_by_role("listitem")).to_have_count(8)
    row.locator(".json").click()
    expect(tree).to_have_count(0)
    page.get_by_role("searchbox", name="Search the log").fill("rate limited")
    expect(row.locator("mark")).to_have_text("rate limited")
    expect(page.locator(".search .count")).to_have_text("1 of 1")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(tree).to_be_visible()
    page.keyboard.press("Escape")
    expect(tree).to_have_count(0)
    page.get_by_role("searchbox", name="Search the log").fill('"attempt":2')
    expect(row.locator("mark")).to_have_text('"attempt":2')
    page.get_by_role("searchbox", name="Search the log").fill("")
    page.get_by_role("button", name="Show raw JSON lines").click()

    expect(text).to_have_text(re.compile('^{"level":"WARN",'))


def test_the_heading_of_a_step_leaves_the_only_match_in_view(open_page: OpenPage, address: str) -> None:
    page = open_page(f"{address}&level=warning")

    expect(page.locator(".log-pane .row")).to_contain_text("rate limited")
    expect(page.locator(".log-pane .heading")).to_be_hidden()


def test_a_filter_without_matches_shows_a_note(open_page: OpenPage, address: str) -> None:
    page = open_page(f"{address}&level=error")
    expect(page.get_by_text("No errors.")).to_be_visible()

    page.get_by_role("button", name="Show all records").click()

    expect(page.locator(".log-pane")).to_contain_text("after all groups")
    expect(page.get_by_text("No errors.")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("level|step"))
