"""Start, watch, stop, understand, run again: what the dashboard is for."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


def test_a_run_is_started_from_its_card_and_followed_to_its_end(open_page: OpenPage, api: Api) -> None:
    page = open_page("/")

    page.get_by_role("article", name="Novel").get_by_role("button", name="Start").click()
    page.get_by_role("dialog").get_by_role("button", name="Start run").click()

    expect(page.get_by_role("heading", name=re.compile(r"Run #\d+"))).to_be_visible()
    expect(page.locator("header .badge")).to_have_text("completed")
    # The log of a run that has ended before its page is there opens at its first line.
    page.get_by_role("button", name="To the last line").click()
    expect(page.locator(".log-pane")).to_contain_text("render completed")


def test_the_overview_shows_what_others_start(open_page: OpenPage, api: Api) -> None:
    page = open_page("/")
    card = page.get_by_role("article", name="ticker")
    expect(card).to_be_visible()

    run_id = api.start("ticker")

    expect(card.locator(".badge")).to_have_text("running")
    expect(card.get_by_role("link", name=f"#{run_id}", exact=True)).to_be_visible()
    expect(card.get_by_role("button", name="Stop ticker")).to_be_enabled()
    expect(page.locator(".counts")).to_contain_text("1 running")
    expect(page).to_have_title(re.compile("1 running"))


def test_a_start_of_a_busy_project_names_the_run_in_its_way(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page("/p/ticker")

    page.get_by_role("button", name="Start run").click()

    page.get_by_role("link", name=f"#{run_id}, open it").click()
    expect(page.get_by_role("heading", name=f"Run #{run_id}")).to_be_visible()


def test_parameters_and_scope_reach_the_run(open_page: OpenPage, api: Api) -> None:
    page = open_page("/p/novel")

    page.get_by_label("Scope").select_option("fetch")
    page.get_by_label("book").fill("Ulysses")
    page.get_by_role("button", name="Start run").click()

    expect(page.get_by_role("heading", name=re.compile(r"Run #\d+"))).to_be_visible()
    run = api.run(int(page.url.rpartition("/")[2]))
    assert (run["scope"], run["params"], run["triggered_by"]) == ("fetch", {"book": "Ulysses"}, "dashboard")


def test_stop_asks_once_shows_what_it_waits_for_and_then_the_truth(
    open_page: OpenPage, api: Api, tmp_path: Path
) -> None:
    run_id = api.start("paced-stopping", params={"gates": str(tmp_path), "shares": "40"})
    page = open_page(f"/p/paced-stopping/runs/{run_id}")
    expect(page).to_have_title(re.compile("40 %"))

    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_label("Reason").fill("wrong model")
    page.get_by_role("button", name="Stop run").click()

    expect(page.locator("header .badge")).to_have_text("cancelling")
    expect(page.locator(".stopping")).to_contain_text("waiting for step work")
    expect(page.locator(".stopping")).to_contain_text("wrong model")
    expect(page.get_by_role("button", name="Stopping…")).to_be_disabled()
    (tmp_path / "40").touch()
    expect(page.locator("header .badge")).to_have_text("cancelled")
    assert api.run(run_id)["status"] == "cancelled"


def test_a_failure_is_explained_first_and_run_again_from_its_step(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}")
    card = page.locator(".failure")
    expect(card).to_contain_text("translate failed after")
    expect(card).to_contain_text("exit code 3")
    expect(card).to_contain_text("placeholder {name} is missing from segment 1943")

    page.get_by_role("button", name="Run again from translate").click()

    expect(page.get_by_role("heading", name=f"Run #{run_id + 1}")).to_be_visible()
    again = api.run(run_id + 1)
    assert (again["scope"], again["params"]) == ("from:translate", {"book": "broken"})
    expect(page.locator("header .badge")).to_have_text("failed")


def test_the_steps_show_what_is_usual_and_what_has_not_run(open_page: OpenPage, api: Api) -> None:
    api.complete("novel")
    run_id = api.complete("novel", params={"book": "broken"})

    page = open_page(f"/p/novel/runs/{run_id}")

    expect(page.get_by_role("button", name=re.compile("^render ?, skipped.*usually"))).to_be_visible()
    expect(page.locator(".gantt .ghost")).not_to_have_count(0)


def test_a_project_of_a_family_is_started_by_its_name(open_page: OpenPage, api: Api) -> None:
    page = open_page("/")
    page.get_by_role("button", name="Start run…").click()

    page.get_by_label("Project").select_option("family glossary-*")
    page.get_by_label("Name, like glossary-*").fill("glossary-physics")
    page.get_by_role("dialog").get_by_role("button", name="Start run").click()

    expect(page.get_by_role("heading", name=re.compile(r"Run #\d+"))).to_be_visible()
    expect(page.locator("header .badge")).to_have_text("completed")
    expect(page.get_by_role("navigation", name="Main").first).to_contain_text("glossary-physics")
