"""Cancelling runs: what the dashboard says meanwhile and afterwards."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.deployments import on_both
from tests.browser.projects import Api


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


def test_a_cancelled_run_says_how_far_its_step_had_got(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    run_id = api.start("paced-far", params=params)
    api.wait_until(lambda: api.run(run_id)["progress_current"] == 40)
    api.cancel(run_id, grace_seconds=0)

    page = open_page(f"/p/paced-far/runs/{run_id}")

    notice = page.get_by_role("tabpanel").get_by_role("status").first
    expect(notice).to_contain_text("Its progress was 40 of 100.")


def test_a_card_counts_down_the_grace_of_its_run(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    api.start("paced-grace", params=params)
    page = open_page("/")
    card = page.get_by_role("article", name="paced-grace")
    expect(card.locator(".badge")).to_have_text("running")

    card.get_by_role("button", name="Cancel paced-grace").click()
    page.get_by_role("button", name="Cancel run").click()

    left = re.compile(r"Step work has (\d+)\ss left of its grace period of 1\smin\s00\ss")
    expect(card).to_contain_text(left)
    before = left.search(card.inner_text())
    assert before is not None
    expect(card).not_to_contain_text(f"has {before[1]}\u00a0s left")
    after = left.search(card.inner_text())
    assert after is not None
    assert int(after[1]) < int(before[1])
    expect(card.get_by_role("button", name="Cancelling…")).to_be_disabled()


def test_a_cancelled_run_says_that_its_step_was_killed(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("unkillable")
    api.wait_until(lambda: any(record["message"] == "deaf" for record in api.log(run_id)))
    api.cancel(run_id)

    page = open_page(f"/p/unkillable/runs/{run_id}")

    notice = page.get_by_role("tabpanel").get_by_role("status").first
    expect(notice).to_contain_text("Cancelled through the API at")
    expect(notice).to_contain_text("Step hold was killed")
    expect(notice).to_contain_text(re.compile(r"because it did not end within its grace period of 1.0\ss"))
    expect(notice).to_contain_text(re.compile(r"took 1\.\d\ss"))
    expect(notice).to_contain_text("All of its 2 processes have ended.")
    expect(notice.get_by_role("listitem")).to_have_text(
        [re.compile(r"^[\d:.]{12} " + what) for what in ("requested", "signalled 2 processes", "killed")]
    )
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


def test_the_stop_dialog_does_not_put_the_focus_on_its_dangerous_button(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/ticker/runs/{api.start('ticker')}")

    page.get_by_role("button", name="Cancel", exact=True).click()

    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
