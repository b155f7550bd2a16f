"""Starting and following runs."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.deployments import on_both
from tests.browser.projects import Api


@on_both
def test_a_run_starts_from_its_card_and_is_followed_to_the_end(open_page: OpenPage, api: Api) -> None:
    page = open_page("/")

    page.get_by_role("article", name="Novel").get_by_role("button", name="Start").click()
    page.get_by_role("dialog").get_by_role("button", name="Start run").click()

    expect(page.get_by_role("heading", name=re.compile(r"#\d+"))).to_be_visible()
    expect(page.locator("header .badge")).to_have_text("completed")
    # If the run ends before its page opens, the log starts at the first line.
    page.get_by_role("button", name="Go to the last line").click()
    expect(page.locator(".log-pane")).to_contain_text("render completed")


@on_both
def test_the_overview_shows_runs_started_elsewhere(open_page: OpenPage, api: Api) -> None:
    page = open_page("/")
    card = page.get_by_role("article", name="ticker")
    expect(card).to_be_visible()

    run_id = api.start("ticker")

    expect(card.locator(".badge")).to_have_text("running")
    expect(card.get_by_role("link", name=f"#{run_id}", exact=True)).to_be_visible()
    expect(card.get_by_role("button", name="Cancel ticker")).to_be_enabled()
    expect(page.locator(".counts")).to_contain_text("1 running")
    expect(page).to_have_title(re.compile("1 running"))


def test_a_start_in_a_busy_project_links_to_the_active_run(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page("/p/ticker")

    page.get_by_role("link", name=f"Open run #{run_id}").click()
    expect(page.get_by_role("heading", name=f"#{run_id}")).to_be_visible()


def test_the_run_gets_the_chosen_scope_and_parameters(open_page: OpenPage, api: Api) -> None:
    page = open_page("/p/novel")

    page.get_by_label("Scope").select_option("fetch")
    page.get_by_label("book").fill("Ulysses")
    page.get_by_role("button", name="Start run").click()

    expect(page.get_by_role("heading", name=re.compile(r"#\d+"))).to_be_visible()
    run = api.run(int(page.url.rpartition("/")[2]))
    assert (run["scope"], run["params"], run["triggered_by"]) == ("fetch", {"book": "Ulysses"}, "dashboard")


def test_the_timeline_shows_usual_durations_and_skipped_steps(open_page: OpenPage, api: Api) -> None:
    api.complete("novel")
    run_id = api.complete("novel", params={"book": "broken"})

    page = open_page(f"/p/novel/runs/{run_id}")

    expect(page.get_by_role("button", name=re.compile("^render ?, skipped.*usually"))).to_be_visible()
    expect(page.locator(".gantt .ghost")).to_have_count(0)
    expect(page.locator(".gantt .mark")).to_have_count(2)
    expect(page.locator(".gantt .keys")).to_have_text(re.compile(r"^\s*log\s+usual\s*$"))


def test_the_timeline_explains_only_what_it_shows(open_page: OpenPage, api: Api) -> None:
    api.complete("novel", "fetch")
    run_id = api.complete("novel", "fetch")

    page = open_page(f"/p/novel/runs/{run_id}")

    expect(page.locator(".gantt .mark")).to_have_count(1)
    expect(page.locator(".gantt .ghost")).to_have_count(0)
    expect(page.locator(".gantt .keys")).to_have_text(re.compile(r"^\s*usual\s*$"))


def test_a_project_that_matches_a_pattern_starts_by_name(open_page: OpenPage, api: Api) -> None:
    page = open_page("/")
    page.get_by_role("button", name="Start run…").click()

    page.get_by_label("Project", exact=True).select_option("family glossary-*")
    page.get_by_label("Name (must match glossary-*)").fill("glossary-physics")
    page.get_by_role("dialog").get_by_role("button", name="Start run").click()

    expect(page.get_by_role("heading", name=re.compile(r"#\d+"))).to_be_visible()
    expect(page.locator("header .badge")).to_have_text("completed")
    expect(page.get_by_role("navigation", name="Main").first).to_contain_text("glossary-physics")


def test_copied_parameters_leave_out_masked_ones(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("vault", params={"key": "correct-horse-battery", "text": "one line"})
    page = open_page("/p/vault")

    page.get_by_role("button", name=f"Values from #{run_id}").click()

    expect(page.get_by_label("key")).to_have_value("")
    expect(page.get_by_label("key")).to_have_attribute("required", "")
    expect(page.get_by_label("text")).to_have_value("one line")


def test_the_start_dialog_says_that_a_project_is_busy_until_it_is_free(
    open_page: OpenPage, api: Api, tmp_path: Path
) -> None:
    page = open_page("/")
    run_id = api.start("paced-busy", params={"gates": str(tmp_path), "shares": "40"})
    expect(page.get_by_role("article", name="paced-busy").locator(".badge")).to_have_text("running")
    page.set_viewport_size({"width": 390, "height": 420})

    page.keyboard.press("s")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Project", exact=True).select_option("paced-busy")
    expect(dialog).to_contain_text("The project is busy.")
    expect(dialog).to_contain_text(f"Open run #{run_id}")
    expect(dialog).to_contain_text("Started through the API")
    expect(dialog.get_by_role("button", name="Queue run")).to_be_in_viewport(ratio=1)
    (tmp_path / "40").touch()
    expect(dialog).not_to_contain_text("The project is busy.")
    expect(dialog.get_by_role("button", name="Start run")).to_be_in_viewport(ratio=1)
    dialog.get_by_role("button", name="Cancel").click()

    expect(dialog).to_have_count(0)
