"""Runs of many steps, and the way back to a place in a long page."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

STEPS = {f"step-{number:02}": "exit 3" if number == 20 else f"echo {number}" for number in range(1, 26)}


@pytest.fixture(scope="module")
def long_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    configuration = project_toml("many", STEPS) + project_toml("short", {"work": "true"})
    with served(tmp_path_factory.mktemp("long"), configuration) as started:
        yield started


@pytest.fixture
def long_api(long_service: ServedService) -> Iterator[Api]:
    api = Api(long_service.url)
    yield api
    api.close()


def test_a_timeline_of_many_steps_leaves_room_for_the_log(
    open_page: OpenPage, long_service: ServedService, long_api: Api
) -> None:
    run_id = long_api.complete("many")
    page = open_page(f"/p/many/runs/{run_id}", url=long_service.url)
    rows = page.locator(".gantt .row")
    expect(rows).to_have_count(25)

    box = page.locator(".gantt").bounding_box()
    assert box is not None
    assert box["height"] <= 27 + 9 * 33 + 2
    expect(rows.nth(19)).to_be_in_viewport(ratio=1)
    expect(page.locator(".log-pane")).to_be_in_viewport()
    rows.nth(1).focus()
    expect(rows.nth(1)).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")

    expect(page.locator(".log-pane")).to_contain_text("step-02 completed")
    expect(page.locator(".log-pane")).not_to_contain_text("step-03 started")


def test_back_returns_to_the_place_in_the_list(
    open_page: OpenPage, long_service: ServedService, long_api: Api
) -> None:
    for _ in range(30):
        long_api.complete("short")
    page = open_page("/runs", url=long_service.url)
    page.set_viewport_size({"width": 1280, "height": 600})
    expect(page.get_by_role("row")).not_to_have_count(0)
    page.evaluate("scrollTo(0, 500)")
    page.wait_for_function("() => scrollY === 500")

    page.locator("td .id").nth(16).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("short #"))
    page.wait_for_function("() => scrollY === 0")
    page.go_back()

    page.wait_for_function("() => scrollY === 500")
