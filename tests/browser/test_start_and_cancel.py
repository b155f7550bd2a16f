"""Starting, following and cancelling runs."""

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


@on_both
def test_a_cancelled_run_shows_the_step_that_it_waits_for(open_page: OpenPage, api: Api, tmp_path: Path) -> None:
    run_id = api.start("paced-cancel", params={"gates": str(tmp_path), "shares": "40"})
    page = open_page(f"/p/paced-cancel/runs/{run_id}")
    expect(page).to_have_title(re.compile("40 %"))

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_label("Reason").fill("wrong model")
    page.get_by_role("button", name="Cancel run").click()

    expect(page.locator("header .badge")).to_have_text("cancelling")
    notice = page.get_by_role("tabpanel").get_by_role("status").first
    expect(notice).to_contain_text("Cancelling, requested from the dashboard at")
    expect(notice).to_contain_text("wrong model")
    expect(notice).to_contain_text(re.compile(r"Step work has \d+\ss left of its grace period of 1\smin\s00\ss"))
    expect(notice).to_contain_text("After that, it is killed.")
    expect(page.get_by_role("button", name="Cancelling…")).to_be_disabled()
    (tmp_path / "40").touch()
    expect(page.locator("header .badge")).to_have_text("cancelled")
    # Another service may know it a moment later.
    api.wait_until(lambda: api.run(run_id)["status"] == "cancelled")
    expect(notice).to_contain_text("Cancelled from the dashboard at")
    expect(notice).to_contain_text("wrong model")
    expect(notice).to_contain_text(re.compile(r"Step work stopped after \S+\ss"))


def test_a_cancelled_run_says_that_its_step_was_killed(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("unkillable")
    api.wait_until(lambda: any(record["message"] == "deaf" for record in api.log(run_id)))
    api.cancel(run_id)

    page = open_page(f"/p/unkillable/runs/{run_id}")

    notice = page.get_by_role("tabpanel").get_by_role("status").first
    expect(notice).to_contain_text("Cancelled through the API at")
    expect(notice).to_contain_text("Step hold was killed")
    expect(notice).to_contain_text(re.compile(r"because it did not end within its grace period of 1.0\ss"))
    notice.get_by_text("Where the step was").click()
    expect(notice.locator("pre")).to_contain_text("work.py unkillable")


def test_a_coroutine_that_ignores_its_cancellation_is_not_said_to_be_killed(
    open_page: OpenPage, params: dict[str, str], api: Api, tmp_path: Path
) -> None:
    run_id = api.start("deaf-one", params=params)
    page = open_page(f"/p/deaf-one/runs/{run_id}")
    expect(page.locator("header .badge")).to_have_text("running")

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel run").click()

    notice = page.get_by_role("tabpanel").get_by_role("status").first
    expect(notice).to_contain_text(
        re.compile(r"The grace period of step listen is over .* cancelled again every second")
    )
    expect(notice).not_to_contain_text("killed")
    (tmp_path / "40").touch()
    expect(notice).to_contain_text("Step listen ignored the request, and ended by itself")


def test_the_grace_of_a_cancelled_run_can_be_ended(open_page: OpenPage, api: Api, tmp_path: Path) -> None:
    run_id = api.start("paced-kill", params={"gates": str(tmp_path), "shares": "40"})
    page = open_page(f"/p/paced-kill/runs/{run_id}")
    expect(page).to_have_title(re.compile("40 %"))
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel run").click()
    notice = page.get_by_role("tabpanel").get_by_role("status").first
    expect(notice.locator("pre")).to_contain_text("work.py paced")

    notice.get_by_role("button", name="Kill it now").click()

    expect(page.locator("header .badge")).to_have_text("cancelled")
    expect(notice).to_contain_text("Step work was killed after")
    assert api.run(run_id)["cancel"]["grace_seconds"] == 0


def test_a_run_can_be_killed_without_a_grace(open_page: OpenPage, api: Api, tmp_path: Path) -> None:
    run_id = api.start("paced-now", params={"gates": str(tmp_path), "shares": "40"})
    page = open_page(f"/p/paced-now/runs/{run_id}")
    expect(page).to_have_title(re.compile("40 %"))

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_label("Kill it now").check()
    page.get_by_role("button", name="Cancel run").click()

    expect(page.locator("header .badge")).to_have_text("cancelled")
    assert (api.run(run_id)["cancel"]["grace_seconds"], api.run(run_id)["cancel"]["effect"]) == (0, "killed")


def test_the_timeline_shows_usual_durations_and_skipped_steps(open_page: OpenPage, api: Api) -> None:
    api.complete("novel")
    run_id = api.complete("novel", params={"book": "broken"})

    page = open_page(f"/p/novel/runs/{run_id}")

    expect(page.get_by_role("button", name=re.compile("^render ?, skipped.*usually"))).to_be_visible()
    expect(page.locator(".gantt .ghost")).not_to_have_count(0)
    expect(page.locator(".gantt .mark")).not_to_have_count(0)
    expect(page.locator(".gantt .keys")).to_have_text(re.compile(r"^\s*expected\s*usual\s*$"))


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


def test_the_stop_dialog_does_not_put_the_focus_on_its_dangerous_button(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/ticker/runs/{api.start('ticker')}")

    page.get_by_role("button", name="Cancel", exact=True).click()

    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
