"""How many requests pages make."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import OpenPage
from tests.browser.held import Hold
from tests.browser.projects import Api
from tests.browser.shortcuts import press_in_turn
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

PROJECTS = 18
MANY = "".join(project_toml(f"project-{number:02}", {"work": "echo done"}) for number in range(PROJECTS))
FRAMES = """() => new Promise(done => {
  let frames = 0;
  const check = () => ++frames > 30 ? done() : requestAnimationFrame(check);
  check();
})"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    """A service with many projects, each with two runs."""
    with served(tmp_path_factory.mktemp("many"), MANY) as started:
        api = Api(started.url)
        for number in range(2 * PROJECTS):
            api.complete(f"project-{number % PROJECTS:02}")
        api.close()
        yield started


def _requests(context: BrowserContext) -> list[str]:
    """The paths that pages will request, without those of files."""
    requested: list[str] = []
    context.on("request", lambda request: requested.append(re.sub(r"^https?://[^/]+", "", request.url)))
    return requested


def test_an_overview_of_many_projects_makes_few_requests(
    open_page: OpenPage, context: BrowserContext, many: ServedService
) -> None:
    requested = _requests(context)

    page = open_page("/", url=many.url)
    expect(page.locator("article .badge")).to_have_count(PROJECTS)
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    # What is loaded while the browser is idle.
    page.wait_for_function("() => performance.getEntriesByType('resource').some(({name}) => name.includes('RunPage'))")

    assert sorted(path for path in requested if path.startswith("/api/")) == [
        "/api/v1/events",
        "/api/v1/projects",
        "/api/v1/runs?limit=200",
    ]
    page.get_by_role("button", name="Cards").click()
    expect(page.locator("article .bars a")).to_have_count(2 * PROJECTS)
    assert [path for path in requested if "/runs" in path] == ["/api/v1/runs?limit=200", "/api/v1/runs?limit=540"]
    assert len([path for path in requested if path.startswith("/assets/")]) <= 20


def test_the_members_of_a_family_come_with_the_list_of_projects(
    open_page: OpenPage, context: BrowserContext, api: Api
) -> None:
    for team in ("art", "law"):
        api.complete(f"glossary-{team}")
    requested = _requests(context)

    page = open_page("/")

    expect(page.get_by_role("article", name="glossary-law").locator(".badge")).to_have_text("completed")
    assert [path for path in requested if path.startswith("/api/v1/projects/")] == []


def test_histories_are_reloaded_with_one_request_after_a_restart(
    open_page: OpenPage, context: BrowserContext, many: ServedService
) -> None:
    page = open_page("/", url=many.url)
    page.get_by_role("button", name="Cards").click()
    expect(page.locator("article .bars a")).to_have_count(2 * PROJECTS)
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    requested = _requests(context)

    many.kill()
    expect(page.locator(".sidebar .connection")).to_contain_text(re.compile("Reconnecting|Offline"))
    with page.expect_response("**/api/v1/runs?limit=540"):
        many.start()
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")

    assert [path for path in requested if "/projects/" in path] == []


def test_a_failed_run_requests_each_page_of_its_log_once(
    open_page: OpenPage, context: BrowserContext, api: Api
) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    requested = _requests(context)

    page = open_page(f"/p/novel/runs/{run_id}")
    expect(page.locator(".failure pre")).to_contain_text("placeholder {name} is missing")
    expect(page.locator(".log-pane .row.current")).to_contain_text("placeholder {name} is missing")
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    page.evaluate(FRAMES)

    logs = [path for path in requested if "/log" in path and "/login" not in path]
    assert sorted(logs) == sorted(set(logs))


def test_the_runs_appear_together_when_their_list_arrives(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    page = open_page(f"/p/novel/runs/{run_id}")
    expect(page.locator("header .badge")).to_have_text("completed")
    hold = Hold(page, re.compile(r"/api/v1/runs\?"))

    press_in_turn(page, "g", "r")
    request = hold.wait(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("All runs")
    expect(page.locator("main table")).to_have_count(0)
    request.release()

    expect(page.locator("main table").get_by_text(f"#{run_id}", exact=True)).to_be_visible()
