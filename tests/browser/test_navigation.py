"""Navigation: the command palette, shortcuts, addresses, filters, and the theme."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewContext, OpenPage
from tests.browser.projects import Api
from tests.browser.shortcuts import press_in_turn


def test_the_command_palette_opens_projects_and_runs(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", "fetch")
    page = open_page("/")
    expect(page.get_by_role("article").first).to_be_visible()

    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("combobox").fill("ticker")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="ticker")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("combobox").fill(str(run_id))
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name=f"#{run_id}")).to_be_visible()


def test_shortcuts_navigate_and_can_be_switched_off(open_page: OpenPage) -> None:
    page = open_page("/")
    expect(page.get_by_role("article").first).to_be_visible()

    press_in_turn(page, "g", "r")
    expect(page.get_by_role("heading", name="All runs")).to_be_visible()
    page.keyboard.press("?")
    page.get_by_label("Single-key shortcuts").uncheck()
    page.get_by_role("button", name="Close").click()
    press_in_turn(page, "g", "o")

    expect(page.get_by_role("heading", name="All runs")).to_be_visible()


def test_closing_a_dialog_does_not_close_the_next_one(open_page: OpenPage) -> None:
    page = open_page("/")
    expect(page.get_by_role("article").first).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help and settings")).to_be_visible()

    page.evaluate(
        """() => {
          const key = key => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
          document.querySelector('dialog header button').click();
          return Promise.resolve().then(() => key('s'));
        }"""
    )

    expect(page.get_by_role("dialog", name="Start a run")).to_be_visible()
    page.wait_for_function("() => new Promise(done => setTimeout(() => done(true)))")
    expect(page.get_by_role("dialog", name="Start a run")).to_be_visible()


def test_a_run_opens_by_its_number_alone(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", "fetch")

    page = open_page(f"/runs/{run_id}?tab=log#L2")

    expect(page.locator(".log-pane .row.marked")).to_contain_text("fetched")
    expect(page).to_have_url(re.compile(rf"/p/novel/runs/{run_id}\?tab=log#L2$"))


@pytest.mark.parametrize(
    ("path", "message"), [("/nowhere/at/all", "no page at this address"), ("/runs/999999", "no run #999999")]
)
def test_an_unknown_address_shows_an_error(open_page: OpenPage, path: str, message: str) -> None:
    page = open_page(path)

    expect(page.get_by_role("main")).to_contain_text(message)
    expect(page.get_by_role("link", name="Overview").first).to_be_visible()


def test_typing_in_a_field_triggers_no_shortcut(open_page: OpenPage) -> None:
    page = open_page("/p/novel")

    page.get_by_label("book").press_sequentially("stx?")

    expect(page.get_by_label("book")).to_have_value("stx?")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_chosen_theme_persists(open_page: OpenPage, new_context: NewContext) -> None:
    context = new_context(color_scheme="light")
    page = open_page("/", within=context)
    expect(page.get_by_role("article").first).to_be_visible()

    page.keyboard.press("?")
    page.get_by_label("dark").check()
    page.reload()

    expect(page.locator("body")).to_have_css("background-color", "rgb(13, 17, 23)")


def test_all_times_are_in_the_chosen_zone(open_page: OpenPage, new_context: NewContext, api: Api) -> None:
    run_id = api.complete("novel")
    started = datetime.fromisoformat(api.run(run_id)["started_at"])
    context = new_context(timezone_id="Asia/Tokyo")
    page = open_page(f"/p/novel/runs/{run_id}", within=context)
    line = page.locator(".log-pane .row .time").first
    expect(line).to_contain_text((started + timedelta(hours=9)).strftime("%H:%M:"))

    page.keyboard.press("?")
    page.get_by_role("radio", name="UTC").check()
    page.keyboard.press("Escape")
    expect(line).to_contain_text(started.strftime("%H:%M:"))
    page.get_by_role("tab", name="Events").click()
    event = page.locator(".panel time").first
    expect(event).to_contain_text(started.strftime("%H:%M:"))
    expect(event).to_have_attribute("title", re.compile(r"GMT\+9 · .* UTC$"))
    page.reload()

    expect(event).to_contain_text(started.strftime("%H:%M:"))


def test_the_tab_shows_the_status_of_its_run(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})

    page = open_page(f"/p/novel/runs/{run_id}")

    expect(page).to_have_title(f"✕ · novel #{run_id}")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("e5484d"))


def test_the_address_contains_the_filter_of_runs(open_page: OpenPage, api: Api) -> None:
    failed = api.complete("novel", params={"book": "broken"})
    api.complete("novel", "fetch")
    page = open_page("/runs")

    page.get_by_label("Status").select_option("failed")

    expect(page.get_by_role("link", name=f"#{failed}", exact=True)).to_be_visible()
    expect(page.locator("tbody .badge.completed")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/runs\?status=failed$"))


def test_the_history_of_a_project_loads_in_pages(open_page: OpenPage, api: Api) -> None:
    runs = [api.complete("glossary-pages") for _ in range(52)]
    page = open_page("/p/glossary-pages")
    rows = page.get_by_role("region", name="Runs of glossary-pages").get_by_role("row")
    expect(rows).to_have_count(51)

    page.get_by_role("button", name="Older runs").click()

    expect(rows).to_have_count(53)
    expect(page.get_by_role("link", name=f"#{runs[0]}", exact=True)).to_be_visible()


def test_the_back_button_returns(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", "fetch")
    page = open_page("/runs")
    page.get_by_role("link", name=f"#{run_id}", exact=True).click()
    expect(page.get_by_role("heading", name=f"#{run_id}")).to_be_visible()

    page.go_back()

    expect(page.get_by_role("heading", name="All runs")).to_be_visible()


def test_two_runs_can_be_compared(open_page: OpenPage, api: Api) -> None:
    first = api.complete("novel")
    second = api.complete("novel", params={"book": "broken"})

    page = open_page(f"/compare/{first}/{second}")

    expect(page.get_by_role("row", name=re.compile("^translate"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^book — broken"))).to_have_class(re.compile("differs"))


def test_a_run_can_be_compared_with_itself(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")

    page = open_page(f"/compare/{run_id}/{run_id}")

    expect(page.get_by_role("row", name=re.compile("^translate"))).to_contain_text("the same")


def test_an_unknown_run_shows_an_error(open_page: OpenPage) -> None:
    page = open_page("/p/novel/runs/999999")

    expect(page.get_by_text("There is no run #999999.")).to_be_visible()


@pytest.mark.parametrize("name", ["Schedules", "Notifications", "Resources"])
def test_every_page_is_linked_on_a_narrow_phone(open_page: OpenPage, name: str) -> None:
    page = open_page("/")
    page.set_viewport_size({"width": 320, "height": 700})
    bar = page.get_by_role("contentinfo").get_by_role("navigation", name="Main")
    bar.get_by_title("More pages").click()
    link = bar.get_by_role("link", name=name)
    expect(link).to_be_in_viewport(ratio=1)

    link.click()

    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(link).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
