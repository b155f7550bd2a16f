"""The attempts of a step on the page of its run."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


def test_a_run_shows_each_attempt_and_why_the_last_one_failed(open_page: OpenPage, api: Api) -> None:
    failed = api.complete("flaky", params={"lucky": "none"})
    page = open_page(f"/p/flaky/runs/{failed}")
    row = page.get_by_role("region", name="Steps").get_by_role("button")
    card = page.get_by_role("region", name=re.compile("^load failed after .* attempt 3 of 3$"))

    expect(row.locator(".bar.failed")).to_have_count(3)
    expect(row).to_contain_text("3/3")
    expect(card).to_contain_text("All three attempts failed for the same reason.")
    expect(card.get_by_label("Last lines")).to_have_text("error: busy in attempt 3")

    row.click()
    page.get_by_role("group", name="Attempts").get_by_role("button", name="Attempt 2").click()
    log = page.get_by_role("log", name="Log lines")
    expect(log).to_contain_text("error: busy in attempt 2")
    expect(log).not_to_contain_text("error: busy in attempt 1")
    expect(page).to_have_url(re.compile(r"step=load&attempt=2"))


def test_a_run_that_needed_a_retry_says_so(open_page: OpenPage, api: Api) -> None:
    completed = api.complete("flaky", params={"lucky": "2"})
    page = open_page("/runs")

    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=f"#{completed}", exact=True))
    expect(row).to_contain_text("load completed, 1 retry")


def test_a_step_that_waits_says_when_its_next_attempt_begins(open_page: OpenPage, api: Api) -> None:
    waiting = api.start("patient")
    page = open_page(f"/p/patient/runs/{waiting}")
    row = page.get_by_role("region", name="Steps").get_by_role("button")

    expect(row).to_contain_text(re.compile(r"attempt 2 of 2, in \d+.min"))
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel run").click()
    expect(page.get_by_role("heading", name=f"patient #{waiting}")).to_be_visible()
    expect(row).to_have_accessible_name(re.compile("^load ?, cancelled"))
