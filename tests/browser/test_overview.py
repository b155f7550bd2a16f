"""The overview of many projects: names, layout, and figures."""

import re
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import OpenPage
from tests.browser.held import Hold
from tests.browser.projects import STREET, Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served


def test_members_of_a_family_differ_by_name_everywhere(
    open_page: OpenPage, street: ServedService, street_api: Api
) -> None:
    sales = street_api.complete("team-sales")
    street_api.complete("team-legal")

    page = open_page("/", url=street.url)
    for name in ("team-sales", "team-legal"):
        card = page.get_by_role("article", name=name, exact=True)
        expect(card).to_contain_text("A glossary per team")
        expect(page.locator(".sidebar").get_by_role("link", name=re.compile(f"^{name}"))).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_label("Project", exact=True).locator("option", has_text="team-sales")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("start team-legal")
    expect(page.get_by_role("option", name=re.compile("^Start team-legal"))).to_be_visible()
    page.keyboard.press("Escape")
    page.goto(f"{street.url}/p/team-sales/runs/{sales}")

    expect(page.get_by_role("heading", level=1)).to_have_text(f"team-sales #{sales}")
    expect(page.get_by_role("main")).to_contain_text("A glossary per team")


def test_the_bars_of_cards_side_by_side_are_level(open_page: OpenPage, street: ServedService, street_api: Api) -> None:
    for name in ("project-12", "project-13", "team-sales"):
        street_api.start(name)
    page = open_page("/", url=street.url)
    page.get_by_role("button", name="Cards").click()
    cards = page.get_by_role("article").filter(has=page.locator(".bars"))
    expect(page.get_by_role("article", name="team-sales").locator(".badge")).to_have_text("completed")
    for name in ("project-12", "project-13", "team-sales"):
        expect(cards.filter(has_text=name)).to_have_count(1)

    places = cards.evaluate_all(
        "cards => cards.map(card => [card.offsetTop, card.querySelector('.bars').getBoundingClientRect().top])"
    )

    rows = {top: {bars for other, bars in places if other == top} for top, _ in places}
    assert len(rows) < len(places)
    assert all(len(bars) == 1 for bars in rows.values()), rows


def test_many_projects_are_rows_until_the_reader_prefers_cards(open_page: OpenPage, street: ServedService) -> None:
    page = open_page("/", url=street.url)
    row = page.get_by_role("article", name="project-00")
    expect(row).to_have_css("height", "36px")

    page.get_by_role("button", name="Cards").click()
    expect(row).not_to_have_css("height", "36px")
    page.reload()
    expect(page.get_by_role("button", name="Cards")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Rows").click()

    expect(row).to_have_css("height", "36px")


def test_the_overview_is_filtered_by_name(open_page: OpenPage, street: ServedService) -> None:
    page = open_page("/", url=street.url)
    expect(page.get_by_role("article", name="project-00")).to_be_visible()

    page.keyboard.press("/")
    page.keyboard.type("ject-0")
    expect(page.locator("main article h3")).to_have_text([f"project-{number:02}" for number in range(10)])
    page.reload()
    expect(page.locator("main article h3")).to_have_count(10)
    page.get_by_role("searchbox", name="Filter projects").fill("nothing")
    expect(page.get_by_role("main")).to_contain_text("No project matches.")
    page.get_by_role("button", name="Clear the filter").click()

    expect(page.get_by_role("article", name="project-00")).to_be_visible()


def test_the_figures_filter_the_cards(open_page: OpenPage, street: ServedService, street_api: Api) -> None:
    street_api.complete("project-12")
    street_api.start("project-13")
    page = open_page("/", url=street.url)

    page.get_by_role("button", name="1 running").click()
    expect(page.locator("main article h3")).to_have_text(["project-13"])
    expect(page).to_have_url(re.compile(r"/\?show=running$"))
    page.get_by_role("button", name="1 project needs attention").click()
    expect(page.locator("main article h3")).to_have_text(["project-12"])
    page.get_by_role("button", name="1 project needs attention").click()

    expect(page.get_by_role("article", name="project-00")).to_be_visible()


def test_a_card_stays_when_its_run_ends_while_only_running_ones_are_shown(
    open_page: OpenPage, street: ServedService, street_api: Api
) -> None:
    run_id = street_api.start("project-13")
    page = open_page("/?show=running", url=street.url)
    expect(page.locator("main article h3")).to_have_text(["project-13"])

    street_api.cancel(run_id)

    card = page.get_by_role("article", name="project-13")
    expect(card.locator(".badge")).to_have_text("cancelled")


def test_all_runs_of_today_are_counted(open_page: OpenPage, street: ServedService, street_api: Api) -> None:
    last = max(street_api.complete("project-00") for _ in range(34))
    page = open_page("/", url=street.url)

    # Each run has the next number, and all are from today.
    expect(page.locator(".counts")).to_contain_text(f"{last} runs today")


def test_a_file_with_families_alone_says_how_to_start(open_page: OpenPage, tmp_path: Path) -> None:
    with served(tmp_path, STREET[STREET.index('[projects."team-*"]') :]) as alone:
        page = open_page("/", url=alone.url)

        expect(page.get_by_role("main")).to_contain_text("A glossary per team")
        page.get_by_role("button", name="Start a project of team-*").click()
        dialog = page.get_by_role("dialog", name="Start a run")
        dialog.get_by_label("Name").fill("other")
        dialog.get_by_role("button", name="Start run").click()
        expect(dialog.get_by_role("alert")).to_contain_text("must match team-*")
        dialog.get_by_label("Name").fill("team-sales")
        dialog.get_by_role("button", name="Start run").click()

        expect(page.get_by_role("heading", level=1)).to_contain_text("team-sales #")


def test_a_member_of_a_family_that_first_runs_while_the_page_loads_is_shown(
    open_page: OpenPage, context: BrowserContext, api: Api, tmp_path: Path
) -> None:
    late = Hold(context, "**/api/v1/projects", is_answered=True)
    page = open_page("/")
    expect(page.locator(".connection")).to_have_text("Connected")
    list_without_it = late.wait(page)
    api.start("paced-meanwhile", params={"gates": str(tmp_path), "shares": "40"})
    expect(page).to_have_title(re.compile("1 running"))

    list_without_it.release()

    expect(page.get_by_role("article", name="paced-meanwhile").locator(".badge")).to_have_text("running")
    (tmp_path / "40").touch()


def test_a_card_and_its_page_have_the_same_figures(open_page: OpenPage, tmp_path: Path) -> None:
    """Of full runs: a short one of a single step does not count."""
    steps = {"load": "sleep $SOLORUN_PARAM_SECONDS", "check": "true"}
    with served(tmp_path, project_toml("etl", steps, params=["seconds"], cancel_grace="1s")) as service:
        api = Api(service.url)
        api.complete("etl", scope="check")
        for seconds in ("1", "0.1", "2"):
            api.complete("etl", params={"seconds": seconds})
        api.cancel(api.start("etl", params={"seconds": "600"}))
        api.complete("etl", params={"seconds": "3"})
        runs = [api.run(run_id) for run_id in range(1, 7)]
        api.close()
        page = open_page("/", url=service.url)
        card = page.get_by_role("article", name="etl")
        expect(card.locator(".bars a")).to_have_count(6)

        figure = re.findall(r"median\s([\d.]+)\ss", card.locator("footer").inner_text())
        heights = card.locator(".bars a").evaluate_all("bars => bars.map(bar => bar.offsetHeight)")
        expect(page.locator(".counts")).to_contain_text("100 % of the last 5 runs completed, not counting 1 cancelled")
        page.goto(f"{service.url}/p/etl")

        expect(page.locator("figcaption")).to_contain_text(re.compile(rf"median of full runs\s{figure[0]}\ss"))
    times = [[datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at")] for run in runs]
    durations = [(end - start).total_seconds() for start, end in times]
    assert heights == pytest.approx([max(4, 34 * took / max(durations)) for took in durations], abs=1)
