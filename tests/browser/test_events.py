"""The list of a run's events: complete, paged and live."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


def _descriptions(page: Page) -> Locator:
    return page.get_by_role("region", name="Events").locator("li .description")


def test_events_are_listed_newest_first(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})

    page = open_page(f"/p/novel/runs/{run_id}?tab=events")

    expect(_descriptions(page)).to_have_text(
        [
            re.compile("^Run failed: translate"),
            re.compile("^Step translate failed: exit code 3"),
            "translate Group ended",
            "translate Group set up started",
            "Step translate started",
            "Step fetch completed",
            "Step fetch started",
            "Run started",
            f"Run #{run_id} created through the API",
        ]
    )


def test_an_event_links_to_its_line(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}?tab=events")

    page.get_by_role("listitem").filter(has_text="Step translate started").get_by_role("link").click()

    expect(page.locator(".log-pane .row.marked")).to_contain_text("translate started")
    expect(page.get_by_role("tab", name="Log")).to_have_attribute("aria-selected", "true")


def test_the_address_contains_the_chosen_kinds_of_events(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    page = open_page(f"/p/novel/runs/{run_id}?tab=events")
    expect(_descriptions(page).filter(has_text="chapter")).to_have_count(0)

    page.get_by_role("button", name="Progress").click()

    expect(_descriptions(page).filter(has_text="chapter")).to_have_count(40)
    page.get_by_role("button", name="Steps").click()
    expect(_descriptions(page).filter(has_text="Step translate")).to_have_count(0)
    page.reload()
    expect(_descriptions(page).filter(has_text="chapter")).to_have_count(40)
    expect(page.get_by_role("button", name="Steps")).to_have_attribute("aria-pressed", "false")


def test_many_events_load_in_pages_without_gaps(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("survey", params={"stops": "250"})
    page = open_page(f"/p/survey/runs/{run_id}?tab=events&event=progress")
    stops = _descriptions(page).filter(has_text="stop ")
    expect(stops).to_have_count(100)

    page.get_by_role("button", name="Older events").click()
    expect(stops).to_have_count(200)
    page.get_by_role("button", name="Older events").click()

    expect(stops).to_have_text([re.compile(rf"walk {number}/250 stop {number}$") for number in range(250, 0, -1)])
    expect(page.get_by_role("button", name="Older events")).to_have_count(0)


def test_events_arrive_live_up_to_the_end_of_the_run(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("survey")
    page = open_page(f"/p/survey/runs/{run_id}?tab=events&event=step,progress")
    newest = _descriptions(page).first
    expect(newest).to_contain_text(re.compile(r"stop \d\d"))
    expect(newest).to_contain_text(re.compile(r"stop \d\d\d"))

    api.cancel(run_id)

    expect(newest).to_have_text("Run cancelled")
    last = api.log(run_id, event="progress", limit=1)[0]["data"]["current"]
    expect(_descriptions(page).filter(has_text="stop ").first).to_contain_text(f"stop {last}")
    shown = [int(text.rpartition(" ")[2]) for text in _descriptions(page).filter(has_text="stop ").all_inner_texts()]
    assert shown == list(range(last, last - len(shown), -1))


def test_the_request_to_cancel_says_where_it_came_from_and_why(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_label("Reason").fill("wrong model")
    page.get_by_role("button", name="Cancel run").click()
    expect(page.locator("header .badge")).to_have_text("cancelled")

    page.get_by_role("tab", name="Events").click()

    expect(_descriptions(page).filter(has_text="Cancel requested from the dashboard: wrong model")).to_have_count(1)
