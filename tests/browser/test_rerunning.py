"""Running an ended run again: the choice of the first step, the preview, and the links between the runs."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


def _open_dialog(page: Page) -> Locator:
    page.get_by_role("button", name="Run again…").click()
    return page.get_by_role("dialog", name=re.compile("Run #.* again"))


def _rows(dialog: Locator) -> Locator:
    return dialog.get_by_label("Preview").get_by_role("listitem")


def test_a_failed_run_is_repeated_from_the_step_that_failed(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}")

    dialog = _open_dialog(page)
    expect(dialog.get_by_label("From")).to_have_value("failed")
    expect(dialog.locator("option:checked")).to_have_text("translate, which failed")
    expect(_rows(dialog)).to_have_text([f"fetch completed in #{run_id}", "translate runs", "render runs"])
    dialog.get_by_role("button", name="Run again").click()

    expect(page.get_by_role("heading", name=f"#{run_id + 1}")).to_be_visible()
    rerun = api.run(run_id + 1)
    assert (rerun["rerun_of"], rerun["scope"]) == (run_id, "from:translate")
    assert (rerun["params"], rerun["triggered_by"]) == ({"book": "broken"}, "dashboard")


def test_a_run_that_is_repeated_from_its_first_step_has_the_scope_full(open_page: OpenPage, api: Api) -> None:
    """Its durations are compared with those of whole runs."""
    run_id = api.complete("crash")
    page = open_page(f"/p/crash/runs/{run_id}")

    dialog = _open_dialog(page)
    expect(dialog.get_by_label("From")).to_have_value("failed")
    dialog.get_by_role("button", name="Run again").click()

    expect(page.get_by_role("heading", name=f"#{run_id + 1}")).to_be_visible()
    assert api.run(run_id + 1)["scope"] == "full"


def test_a_run_links_to_the_run_that_it_repeats_and_back(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    rerun_id = api.rerun(run_id, "render")
    page = open_page(f"/p/novel/runs/{rerun_id}")

    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name=f"#{run_id}").click()

    expect(page.get_by_role("heading", name=f"#{run_id}")).to_be_visible()
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text(f"Run again as #{rerun_id}")
    later_id = api.rerun(run_id, "render")
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text(f"#{rerun_id}, #{later_id}")


def test_the_preview_follows_the_chosen_step(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}")
    dialog = _open_dialog(page)

    dialog.get_by_label("From").select_option("render")
    expect(_rows(dialog)).to_have_text(
        [f"fetch completed in #{run_id}", f"translate failed in #{run_id}", "render runs"]
    )
    dialog.get_by_label("From").select_option("The start")
    expect(_rows(dialog)).to_have_text(["fetch runs", "translate runs", "render runs"])
    expect(dialog).not_to_contain_text("workspace")
    dialog.get_by_label("From").select_option("render")
    expect(dialog).to_contain_text("The results of skipped steps are in the project’s workspace.")
    dialog.get_by_role("button", name="Run again").click()

    expect(page.get_by_role("heading", name=f"#{run_id + 1}")).to_be_visible()
    assert api.run(run_id + 1)["scope"] == "from:render"


def test_the_preview_names_a_newer_run_that_may_have_changed_the_results(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    newer_id = api.complete("novel", scope="fetch")
    page = open_page(f"/p/novel/runs/{run_id}")
    dialog = _open_dialog(page)

    expect(dialog).to_contain_text(f"#{newer_id} is newer and may have changed them.")
    dialog.get_by_role("link", name=f"#{newer_id}").click()

    expect(page.get_by_role("heading", name=f"#{newer_id}")).to_be_visible()
    expect(dialog).to_be_hidden()


def test_a_completed_run_is_repeated_from_its_start_with_changed_parameters(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", scope="render", params={"book": "Ulysses"})
    page = open_page(f"/p/novel/runs/{run_id}")

    dialog = _open_dialog(page)
    expect(dialog.get_by_label("From")).to_have_value("start")
    expect(dialog.get_by_label("From").get_by_role("option")).to_have_text(["The start"])
    dialog.get_by_label("book").fill("Dubliners")
    dialog.get_by_label("book").press("Enter")

    expect(page.get_by_role("heading", name=f"#{run_id + 1}")).to_be_visible()
    rerun = api.run(run_id + 1)
    assert (rerun["scope"], rerun["params"]) == ("render", {"book": "Dubliners"})


def test_a_masked_parameter_is_entered_again_and_lines_are_kept(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("vault", params={"key": "correct-horse-battery", "text": "first\nsecond\n"})
    assert api.run(run_id)["params"]["key"] == "***"
    page = open_page(f"/p/vault/runs/{run_id}")

    dialog = _open_dialog(page)
    expect(dialog.get_by_label("key")).to_have_value("")
    expect(dialog.get_by_label("key")).to_have_attribute("required", "")
    expect(dialog).to_contain_text("This value is secret. Enter it again.")
    expect(dialog.get_by_label("text")).to_have_value("first\nsecond\n")
    dialog.get_by_role("button", name="Run again").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("key").fill("other")
    dialog.get_by_label("key").press("Enter")

    expect(page.get_by_role("heading", name=f"#{run_id + 1}")).to_be_visible()
    assert api.run(run_id + 1)["params"] == {"key": "other", "text": "first\nsecond\n"}


def test_a_run_is_repeated_by_key_and_from_the_palette(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", scope="fetch")
    page = open_page(f"/p/novel/runs/{run_id}")
    expect(page.get_by_role("button", name="Run again…")).to_be_enabled()
    dialog = page.get_by_role("dialog", name=f"Run #{run_id} again")

    page.keyboard.press("r")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search commands").fill("rerun")
    page.get_by_role("option", name=f"Run #{run_id} again").click()

    expect(dialog).to_be_visible()


def test_an_active_run_cannot_be_repeated(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_enabled()

    page.keyboard.press("r")

    expect(page.get_by_role("button", name="Run again…")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_rerun_in_a_busy_project_can_wait_in_the_queue(open_page: OpenPage, api: Api) -> None:
    api.cancel(api.start("ticker"))
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id - 1}")

    dialog = _open_dialog(page)
    expect(dialog).to_contain_text("The project is busy.")
    dialog.get_by_role("button", name="Queue run").click()

    expect(page.locator("header .badge")).to_have_text("queued")
    rerun = api.run(int(page.url.rpartition("/")[2]))
    assert (rerun["status"], rerun["rerun_of"]) == ("queued", run_id - 1)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_rerun_that_is_refused_says_why(open_page: OpenPage, api: Api, width: int) -> None:
    run_id = api.complete("novel", scope="fetch")
    page = open_page(f"/p/novel/runs/{run_id}")
    page.set_viewport_size({"width": width, "height": 844})
    message = "novel no longer has these steps of run 17: render"
    problem = {
        "type": "/problems/invalid-request",
        "title": "Invalid request",
        "status": 422,
        "detail": f"/from: {message}",
        "errors": [{"pointer": "/from", "message": message}],
    }
    page.route("**/rerun?preview=true", lambda route: route.fulfill(status=422, json=problem))

    dialog = _open_dialog(page)

    expect(dialog.get_by_role("alert")).to_have_text(message)
    expect(dialog.get_by_role("button", name="Run again")).to_be_disabled()
