"""What a run's log tells besides output, as a list: whole, paged, live."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


def _told(page: Page) -> Locator:
    return page.get_by_role("region", name="Events").locator("li .description")


def test_steps_groups_and_files_are_told_the_newest_first(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})

    page = open_page(f"/p/novel/runs/{run_id}?tab=events")

    expect(_told(page)).to_have_text(
        [
            re.compile("^Run failed: translate"),
            re.compile("^Step translate failed: exit code 3"),
            "translate The group ended",
            "translate Group set up began",
            "Step translate started",
            "Step fetch completed",
            "Step fetch started",
            "It began to work",
            f"Run #{run_id} was admitted, started by the API",
        ]
    )


def test_an_event_leads_to_its_line(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}?tab=events")

    page.get_by_role("listitem").filter(has_text="Step translate started").get_by_role("link").click()

    expect(page.locator(".log-pane .row.marked")).to_contain_text("translate started")
    expect(page.get_by_role("tab", name="Log")).to_have_attribute("aria-selected", "true")


def test_kinds_of_events_are_chosen_and_the_choice_is_shared(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    page = open_page(f"/p/novel/runs/{run_id}?tab=events")
    expect(_told(page).filter(has_text="chapter")).to_have_count(0)

    page.get_by_role("button", name="Progress").click()

    expect(_told(page).filter(has_text="chapter")).to_have_count(40)
    page.get_by_role("button", name="Steps").click()
    expect(_told(page).filter(has_text="Step translate")).to_have_count(0)
    page.reload()
    expect(_told(page).filter(has_text="chapter")).to_have_count(40)
    expect(page.get_by_role("button", name="Steps")).to_have_attribute("aria-pressed", "false")


def test_many_events_are_read_in_pages_and_none_is_missing(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("survey", params={"stops": "250"})
    page = open_page(f"/p/survey/runs/{run_id}?tab=events&event=progress")
    stops = _told(page).filter(has_text="stop ")
    expect(stops).to_have_count(100)

    page.get_by_role("button", name="Earlier events").click()
    expect(stops).to_have_count(200)
    page.get_by_role("button", name="Earlier events").click()

    expect(stops).to_have_text([re.compile(rf"walk {number}/250 stop {number}$") for number in range(250, 0, -1)])
    expect(page.get_by_role("button", name="Earlier events")).to_have_count(0)


def test_events_come_while_the_run_works_and_with_its_end(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("survey")
    page = open_page(f"/p/survey/runs/{run_id}?tab=events&event=step,progress")
    newest = _told(page).first
    expect(newest).to_contain_text(re.compile(r"stop \d\d"))
    expect(newest).to_contain_text(re.compile(r"stop \d\d\d"))

    api.cancel(run_id)

    expect(newest).to_have_text("Run cancelled")
    last = api.log(run_id, event="progress", limit=1)[0]["data"]["current"]
    expect(_told(page).filter(has_text="stop ").first).to_contain_text(f"stop {last}")
    shown = [int(text.rpartition(" ")[2]) for text in _told(page).filter(has_text="stop ").all_inner_texts()]
    assert shown == list(range(last, last - len(shown), -1))
