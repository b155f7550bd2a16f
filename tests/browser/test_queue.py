"""Queued runs on every page, live: what they wait for, their order, and what a cancel of one does."""

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.browser.axe import DESKTOP, PHONE, violations_everywhere
from tests.browser.conftest import OpenPage
from tests.browser.held import Hold
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import served


def test_a_queued_run_says_what_it_waits_for_until_it_begins(
    open_page: OpenPage, api: Api, params: dict[str, str]
) -> None:
    active = api.start("line-live", params=params)
    first, second = [api.start("line-live", params={**params, "shares": "40 80"}) for _ in range(2)]
    page = open_page(f"/p/line-live/runs/{second}")
    notice = page.get_by_role("tabpanel").get_by_role("status").first

    expect(page.locator("header .badge")).to_have_text("queued")
    expect(notice).to_have_text(re.compile(rf"^Number 2 in the queue.*Run #{active} is active now\.\s*$"))
    api.cancel(first)
    expect(notice).to_contain_text("Number 1 in the queue")
    (Path(params["gates"]) / "40").touch()

    expect(page.locator("header .badge")).to_have_text("running")
    expect(notice).to_have_text("It has begun.")
    (Path(params["gates"]) / "80").touch()


def test_the_first_in_the_queue_begins_when_the_active_run_is_expected_to_end(
    open_page: OpenPage, tmp_path: Path
) -> None:
    """Its progress says more than the duration of earlier runs: that one takes longer than they did."""
    report = "echo '::progress current=1,total=10::'; sleep $SOLORUN_PARAM_SECONDS"
    toml = project_toml("line", {"work": report}, params=["seconds"], on_conflict="queue", cancel_grace="1s")
    with served(tmp_path, toml) as service:
        api = Api(service.url)
        api.complete("line", params={"seconds": "0.1"})
        active = api.start("line", params={"seconds": "600"})
        page = open_page(f"/p/line/runs/{active}", url=service.url)
        expect(page.locator("header .facts")).to_contain_text(re.compile(r"about \d+ (s|min) left"))
        queued = api.start("line", params={"seconds": "0"})
        page.goto(f"{service.url}/p/line/runs/{queued}")

        notice = page.get_by_role("tabpanel").get_by_role("status").first
        expect(notice).to_contain_text("Number 1 in the queue, begins at about")
        expect(page.locator(".log .status")).to_have_text("Queued")
        expect(page.locator(".log .dot.running")).to_have_count(0)
        text, log = page.get_by_text("The run has not begun.").bounding_box(), page.get_by_role("log").bounding_box()
        api.cancel_all()
        api.close()

    assert text is not None
    assert log is not None
    assert 0 <= text["y"] - log["y"] < 40


def test_a_late_list_does_not_move_a_run_back_in_the_queue(
    open_page: OpenPage, api: Api, params: dict[str, str], context: BrowserContext
) -> None:
    late = Hold(context, "**/api/v1/projects", is_answered=True)
    api.start("line-live", params=params)
    first, second = [api.start("line-live", params=params) for _ in range(2)]
    page = open_page(f"/p/line-live/runs/{second}")
    notice = page.get_by_role("tabpanel").get_by_role("status").first
    expect(notice).to_contain_text("Number 2 in the queue")
    list_with_both = late.wait(page)
    api.cancel(first)
    expect(notice).to_contain_text("Number 1 in the queue")

    list_with_both.release()

    expect(page.get_by_role("complementary").get_by_role("link", name="line-live")).to_be_visible()
    expect(notice).to_contain_text("Number 1 in the queue")


def test_a_project_lists_its_queue_in_order(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    active = api.start("line-order", params=params)
    queued = [api.start("line-order", params=params) for _ in range(7)]
    page = open_page("/")
    card = page.get_by_role("article", name="line-order")

    expect(card.locator(".badge")).to_have_text("running")
    expect(card).to_contain_text("7 queued")
    page.get_by_role("button", name="Cards").click()
    expect(card).to_contain_text(f"Queue: {', '.join(f'#{run_id}' for run_id in queued[:5])} and 2 more")
    card.get_by_role("heading").get_by_role("link").click()
    rows = page.get_by_role("region", name="Queue").get_by_role("listitem")
    expect(rows).to_have_count(7)
    expect(rows.first).to_contain_text(f"#{queued[0]} Number 1 in the queue")
    expect(page.get_by_role("region", name="Active run")).to_contain_text(f"Run #{active}")
    for run_id in queued:
        api.cancel(run_id)

    expect(rows).to_have_count(0)


def test_a_cancel_of_a_queued_run_ends_it_immediately(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    api.start("line-cancel", params=params)
    queued = api.start("line-cancel", params=params)
    page = open_page(f"/p/line-cancel/runs/{queued}")

    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The run is queued and has not begun. It ends immediately.")
    expect(dialog.get_by_role("checkbox")).to_have_count(0)
    dialog.get_by_role("button", name="Cancel run").click()

    expect(page.locator("header .badge")).to_have_text("cancelled")


def test_a_replaced_run_and_its_replacement_link_to_each_other(
    open_page: OpenPage, api: Api, params: dict[str, str]
) -> None:
    replaced = api.start("paced-swap", params=params)
    api.wait_until(lambda: api.run(replaced)["progress_current"] == 40)
    replacement = api.start("paced-swap", params=params, on_conflict="replace")
    page = open_page(f"/p/paced-swap/runs/{replacement}")
    lineage = page.get_by_role("navigation", name="Breadcrumb")

    expect(page.get_by_role("tabpanel")).to_contain_text(f"Begins when run #{replaced} has stopped.")
    lineage.get_by_role("link", name=f"#{replaced}").click()
    expect(lineage).to_contain_text(f"Replaced by #{replacement}")
    lineage.get_by_role("link", name=f"#{replacement}").click()

    expect(lineage).to_contain_text(f"Replaces #{replaced}")


def test_tables_mark_queued_runs_and_reruns(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    api.start("line-table", params=params)
    queued = api.start("line-table", params=params)
    original = api.complete("novel", scope="fetch")
    rerun = api.rerun(original, "start")
    page = open_page("/runs")

    expect(page.get_by_role("row", name=re.compile(f"#{rerun} "))).to_contain_text(f"Rerun of #{original}")
    page.get_by_label("Status").select_option("queued")
    expect(page.get_by_role("row", name=re.compile(f"#{queued} "))).to_contain_text("Number 1 in the queue")
    expect(page.get_by_role("row", name=re.compile(f"#{rerun} "))).to_have_count(0)


def test_queues_and_the_choices_of_a_refused_start_have_no_violations(
    open_page: OpenPage, api: Api, params: dict[str, str]
) -> None:
    api.start("paced-access", params=params)
    queued = api.start("paced-access", params=params, on_conflict="queue")
    page = open_page("/p/paced-access")
    expect(page.get_by_role("group", name="While the project is busy")).to_be_visible()
    assert violations_everywhere(page, [DESKTOP, PHONE]) == {}
    page.get_by_label("Don’t start").check()
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_role("region", name="Choices").get_by_role("listitem")).to_have_count(3)
    expect(page.get_by_role("region", name="Queue").get_by_role("listitem")).to_have_count(1)

    violations = violations_everywhere(page, [DESKTOP, PHONE])
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.goto(page.url + f"/runs/{queued}")
    expect(page.get_by_role("tabpanel")).to_contain_text("Number 1 in the queue")

    assert violations == {}
    assert overflow <= 0
    assert violations_everywhere(page, [DESKTOP, PHONE]) == {}
