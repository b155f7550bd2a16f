"""The form for the parameters of a start."""

import re
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import served

SECRET: Final = "correct horse battery"


def read_run(page: Page, api: Api) -> dict[str, object]:
    """The values of the run that the page shows."""
    expect(page.get_by_role("heading", name=re.compile(r"#\d+"))).to_be_visible()
    params: dict[str, object] = api.run(int(page.url.rpartition("/")[2]))["params"]
    return params


def _type(field: Locator, number: str) -> None:
    """In Firefox, Playwright fills a field for a number beside its value, and never with what is no number."""
    field.press("ControlOrMeta+a")
    field.press_sequentially(number)


def test_each_parameter_has_a_field_of_its_type(open_page: OpenPage) -> None:
    page = open_page("/p/release")

    expect(page.get_by_label("environment")).to_have_js_property("tagName", "SELECT")
    expect(page.get_by_label("environment")).to_have_value("staging")
    expect(page.get_by_label("version")).to_have_attribute("required", "")
    expect(page.get_by_label("version")).to_have_accessible_description("The tag to deploy, such as v12")
    expect(page.get_by_label("replicas")).to_have_attribute("type", "number")
    expect(page.get_by_label("replicas")).to_have_value("2")
    expect(page.get_by_role("checkbox", name="dry_run")).not_to_be_checked()
    expect(page.get_by_label("regions")).to_have_js_property("tagName", "TEXTAREA")
    expect(page.get_by_label("token")).to_have_attribute("type", "password")


def test_the_run_gets_typed_values_and_no_page_shows_its_secret(open_page: OpenPage, api: Api) -> None:
    page = open_page("/p/release")
    page.get_by_label("environment").select_option("production")
    page.get_by_label("version").fill("v12")
    _type(page.get_by_label("replicas"), "3")
    _type(page.get_by_label("ratio"), "0.25")
    page.get_by_role("checkbox", name="dry_run").check()
    page.get_by_label("regions").press_sequentially("eu\nus")
    page.get_by_label("token").fill(SECRET)

    page.get_by_role("button", name="Start run").click()

    assert read_run(page, api) == {
        "environment": "production",
        "version": "v12",
        "replicas": 3,
        "ratio": 0.25,
        "dry_run": True,
        "regions": ["eu", "us"],
        "token": "***",
    }
    expect(page.locator("header .badge")).to_have_text("completed")
    expect(page.locator(".log-pane")).to_contain_text("token ***")
    assert SECRET not in page.content()


def test_each_error_is_shown_at_its_field(open_page: OpenPage) -> None:
    page = open_page("/p/release")
    _type(page.get_by_label("replicas"), "10")
    _type(page.get_by_label("ratio"), "1e999")
    page.get_by_label("token").fill("1234")

    page.get_by_role("button", name="Start run").click()

    expect(page.get_by_label("version")).to_have_accessible_description(re.compile("is required"))
    expect(page.get_by_label("version")).to_be_focused()
    expect(page.get_by_label("replicas")).to_have_accessible_description("must be at most 9")
    expect(page.get_by_label("ratio")).to_have_accessible_description("must be a number")
    expect(page.get_by_label("token")).to_have_accessible_description(re.compile("has fewer than 5 characters"))
    expect(page.locator('[aria-invalid="true"]')).to_have_count(4)
    expect(page.get_by_role("alert")).to_have_text("Some parameters are invalid.")


def test_a_run_starts_again_with_the_same_values_and_another_secret(open_page: OpenPage, api: Api) -> None:
    given = {"version": "v7", "replicas": 5, "dry_run": True, "regions": ["eu", "us"], "token": SECRET}
    run_id = api.complete("release", params=given)
    page = open_page(f"/p/release/runs/{run_id}")
    page.get_by_role("button", name="Run again…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("regions")).to_have_value("eu\nus")
    expect(dialog.get_by_label("token")).to_have_value("")
    expect(dialog).to_contain_text("This value is secret. Enter it again.")

    dialog.get_by_role("button", name="Run again").click()
    expect(dialog.get_by_label("token")).to_have_accessible_description(re.compile("must be entered again"))
    dialog.get_by_label("token").fill("another secret")
    dialog.get_by_label("token").press("Enter")

    expect(page.get_by_role("heading", name=f"#{run_id + 1}")).to_be_visible()
    assert read_run(page, api) == {**given, "environment": "staging", "token": "***"}


def test_a_run_without_secrets_starts_again_with_typed_values(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("release", params={"version": "v7", "replicas": 5, "ratio": 0.5, "regions": ["eu"]})
    page = open_page(f"/p/release/runs/{run_id}")

    page.get_by_role("button", name="Run again…").click()
    page.get_by_role("dialog").get_by_role("button", name="Run again").click()

    expect(page.get_by_role("heading", name=f"#{run_id + 1}")).to_be_visible()
    assert read_run(page, api) == api.run(run_id)["params"]
    page.get_by_role("tab", name="Parameters").click()
    expect(page.get_by_role("row", name="ratio")).to_contain_text("0.5")


def test_the_buttons_of_a_long_form_stay_in_sight_on_a_phone(open_page: OpenPage, tmp_path: Path) -> None:
    names = [f"field_{number:02}" for number in range(30)]
    with served(tmp_path, project_toml("wide", {"work": "true"}, params=names)) as wide:
        api = Api(wide.url)
        run_id = api.complete("wide", params={"field_29": "last"})
        api.close()
        page = open_page(f"/p/wide/runs/{run_id}", url=wide.url)
        page.set_viewport_size({"width": 390, "height": 640})
        expect(page.locator("header .badge")).to_have_text("completed")

        page.keyboard.press("r")
        again = page.get_by_role("dialog").get_by_role("button", name="Run again")
        expect(again).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")
        page.keyboard.press("s")
        expect(page.get_by_role("dialog").get_by_role("button", name="Start run")).to_be_in_viewport(ratio=1)
        last = page.get_by_role("dialog").get_by_label("field_29")
        last.fill("x" * 5000)
        page.keyboard.press("Control+Enter")

        expect(last).to_have_attribute("aria-invalid", "true")
        expect(last).to_have_value("x" * 5000)
        expect(page.get_by_role("dialog").get_by_role("button", name="Start run")).to_be_in_viewport(ratio=1)
