"""The page of the resources, and the slots on the pages of runs, live."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.browser.shortcuts import press_in_turn
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import served


def test_the_page_shows_the_holder_of_each_slot_and_the_waiting_runs(
    open_page: OpenPage, api: Api, params: dict[str, str]
) -> None:
    page = open_page("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Resources").click()
    gpu = page.get_by_role("region", name=re.compile("^gpu"))
    expect(gpu).to_contain_text("2 of 2 slots free")

    holder = api.start("train-north", params=params)
    waiting = api.start("train-south", params=params, on_conflict="queue")

    expect(gpu).to_contain_text("0 of 2 slots free")
    rows = gpu.locator("tbody").get_by_role("row")
    expect(rows).to_have_text([re.compile(rf"^{slot}\s*#{holder}\s*train-north\s*whole run") for slot in range(2)])
    expect(gpu.get_by_role("listitem")).to_have_text(re.compile(rf"^#{waiting} train-south Waits for gpu"))
    (Path(params["gates"]) / "40").touch()
    expect(gpu).to_contain_text("2 of 2 slots free")
    expect(gpu.get_by_role("listitem")).to_have_count(0)


def test_a_run_that_waits_for_a_resource_names_the_holder(
    open_page: OpenPage, api: Api, params: dict[str, str]
) -> None:
    holder = api.start("train-first", params=params)
    waiting = api.start("train-second", params=params, on_conflict="queue")
    page = open_page(f"/p/train-second/runs/{waiting}")
    notice = page.get_by_role("tabpanel").get_by_role("status").first

    expect(notice).to_have_text(re.compile(rf"^Waits for gpu.*, held by run #{holder} of train-first\.\s*$"))
    notice.get_by_role("link", name=f"run #{holder}").click()

    expect(page.get_by_role("heading", name=f"train-first #{holder}")).to_be_visible()
    expect(page.locator("header .facts")).to_contain_text(re.compile(r"gpu\s0,\s1"))


def test_a_step_that_waits_says_for_what(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    holder = api.start("edit-one", params=params)
    api.wait_until(lambda: api.run(holder)["current_step"] == "work")
    waiting = api.start("edit-two", params=params)
    page = open_page(f"/p/edit-two/runs/{waiting}")
    row = page.get_by_role("region", name="Steps").get_by_role("button")

    expect(row).to_contain_text("waits for licence")
    expect(row).to_have_accessible_name(re.compile("^work ?, waiting"))
    press_in_turn(page, "g", "s")
    licence = page.get_by_role("region", name=re.compile("^licence"))
    expect(licence.locator("tbody").get_by_role("row")).to_have_text(re.compile(rf"#{holder}\s*edit-one\s*work"))
    expect(licence.get_by_role("listitem")).to_have_text(f"#{waiting} edit-two Step work waits")
    page.goto(page.url.replace("/resources", "/p/edit-two"))
    expect(page.get_by_role("region", name="Active run")).to_contain_text("work waits for licence")
    page.get_by_role("link", name="Open", exact=True).click()
    (Path(params["gates"]) / "40").touch()

    expect(page.locator("header .badge")).to_have_text("completed")
    expect(row).to_contain_text(re.compile(r"licence\s0"))


def test_without_resources_the_page_says_how_to_declare_one(open_page: OpenPage, tmp_path: Path) -> None:
    with served(tmp_path, project_toml("plain", {"work": "true"})) as service:
        page = open_page("/resources", url=service.url)

        expect(page.get_by_role("main")).to_contain_text("No resources. Declare one in solorun.toml")
        expect(page.get_by_role("main")).to_contain_text("[resources.gpu]")
