"""A service with a token: the login page, and a session that ends while a page is open."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.axe import DESKTOP, PHONE, violations_everywhere
from tests.browser.conftest import OpenPage
from tests.browser.deployments import TOKEN, Deployment
from tests.browser.projects import CONFIGURATION, Api
from tests.fakes.running_service import ServedService, served


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    with served(tmp_path_factory.mktemp("guarded"), CONFIGURATION, SOLORUN_TOKEN=TOKEN) as service:
        yield service


@pytest.fixture(params=["guarded", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    """A service with a token, and two of them behind a proxy."""
    served: ServedService | Deployment = request.getfixturevalue(request.param)
    return served.url


def _log_in(page: Page, token: str = TOKEN) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()


def test_login_leads_to_the_requested_page(open_page: OpenPage, url: str) -> None:
    page = open_page("/p/novel?status=failed", url=url)

    _log_in(page)

    expect(page.get_by_role("heading", name="Novel")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/p/novel\?status=failed$"))


def test_the_login_page_has_no_accessibility_violations(open_page: OpenPage, guarded: ServedService) -> None:
    page = open_page("/login?failed=1", url=guarded.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Solorun")

    assert violations_everywhere(page, [DESKTOP, PHONE]) == {}


def test_a_session_ends_from_the_palette_and_from_the_settings(open_page: OpenPage, url: str) -> None:
    page = open_page("/", url=url)
    _log_in(page)
    expect(page.get_by_role("article").first).to_be_visible()

    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{url}/login")
    _log_in(page)
    expect(page.get_by_role("article").first).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("log out")
    page.get_by_role("option", name="Log out").click()

    page.wait_for_url(f"{url}/login")
    page.goto(url)
    expect(page.get_by_label("Token")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("SOLORUN_TOKEN")


def test_a_session_outlives_a_restart(open_page: OpenPage, guarded: ServedService) -> None:
    page = open_page("/", url=guarded.url)
    _log_in(page)
    connection = page.locator(".sidebar .connection")
    expect(connection).to_have_text("Connected")

    guarded.stop()
    expect(connection).not_to_have_text("Connected")
    guarded.start()

    expect(connection).to_have_text("Connected")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_session_that_was_ended_elsewhere_is_renewed_over_the_open_page(
    open_page: OpenPage, guarded: ServedService
) -> None:
    api = Api(guarded.url, TOKEN)
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}?tab=log&level=warning&q=old#L5-L7", url=guarded.url)
    _log_in(page)
    pane = page.locator(".log-pane")
    # A row is empty until its record is loaded.
    expect(pane.locator(".row")).to_contain_text(["the glossary is old", "placeholder", "translate failed"])
    expect(pane).to_contain_text("placeholder")
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    place, lines = page.url, pane.inner_text()

    guarded.stop()
    with closing(sqlite3.connect(guarded.data_dir / "solorun.db", isolation_level=None)) as database:
        database.execute("DELETE FROM sessions")
    guarded.start()
    page.get_by_role("dialog", name="Log in again").wait_for()
    expect(pane).to_have_text(lines, use_inner_text=True)
    _log_in(page)

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    expect(pane).to_have_text(lines, use_inner_text=True)
    assert page.url == place
    api.close()


def test_an_expired_session_is_renewed_without_leaving_the_page(
    open_page: OpenPage, guarded: ServedService, context: BrowserContext
) -> None:
    api = Api(guarded.url, TOKEN)
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}?tab=log&level=error", url=guarded.url)
    _log_in(page)
    expect(page.locator(".log-pane")).to_contain_text("placeholder")
    context.clear_cookies()

    page.get_by_role("link", name="Overview").first.click()
    dialog = page.get_by_role("dialog", name="Log in again")
    expect(dialog).to_be_visible()
    _log_in(page, "wrong")
    expect(dialog.get_by_role("alert")).to_contain_text("Wrong token")
    _log_in(page)

    expect(dialog).to_be_hidden()
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    api.cancel_all()
    api.close()


def test_what_is_entered_in_a_dialog_outlives_the_session(
    open_page: OpenPage, guarded: ServedService, context: BrowserContext
) -> None:
    page = open_page("/p/report", url=guarded.url)
    _log_in(page)
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    page.keyboard.press("s")
    start = page.get_by_role("dialog", name="Start a run")
    start.get_by_label("Project").select_option("novel")
    start.get_by_label("book").fill("broken")
    context.clear_cookies()

    start.get_by_role("button", name="Start run").click()
    expect(page.get_by_role("dialog", name="Log in again")).to_be_visible()
    _log_in(page)

    expect(start.get_by_label("book")).to_have_value("broken")
    expect(start.get_by_role("alert")).to_have_count(0)
    start.get_by_role("button", name="Start run").click()
    expect(page.locator("header .badge")).to_have_text("failed")


def test_the_dialogs_are_loaded_after_the_login_if_the_session_had_expired(
    open_page: OpenPage, guarded: ServedService, context: BrowserContext
) -> None:
    page = open_page("/login", url=guarded.url)
    # Until its clock goes on, the page is not idle.
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    _log_in(page)
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    context.clear_cookies()

    with page.expect_response(lambda response: response.request.method == "HEAD" and response.status == 401):
        page.clock.resume()
    page.get_by_role("link", name="All runs").first.click()
    expect(page.get_by_role("dialog", name="Log in again")).to_be_visible()
    with page.expect_response("**/assets/all_dialogs-*.js"):
        _log_in(page)
    page.keyboard.press("?")

    expect(page.get_by_role("dialog", name="Help and settings")).to_be_visible()


def test_a_page_that_was_refused_is_loaded_after_the_login(
    open_page: OpenPage, guarded: ServedService, context: BrowserContext
) -> None:
    page = open_page("/nowhere", url=guarded.url)
    _log_in(page)
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    context.clear_cookies()
    # As a refusal, of which Firefox would report a page error.
    page.route("**/assets/RunsPage-*.js", lambda route: route.abort())

    page.get_by_role("link", name="All runs").first.click()
    expect(page.get_by_role("dialog", name="Log in again")).to_be_visible()
    page.unroute("**/assets/RunsPage-*.js")
    _log_in(page)

    expect(page.get_by_role("heading", name="All runs")).to_be_visible()


def test_a_refusal_for_want_of_a_right_takes_its_buttons_away(open_page: OpenPage, api: Api) -> None:
    page = open_page("/p/notes")
    start = page.get_by_role("button", name="Start run", exact=True)
    expect(start).to_be_enabled()
    problem = {"type": "/problems/forbidden", "title": "Forbidden", "status": 403, "detail": "You may not start it."}

    def take_the_right(route: Route) -> None:
        projects = route.fetch().json()
        for project in projects["projects"]:
            project["rights"].remove("start")
        route.fulfill(json=projects)

    page.route("**/api/v1/projects", take_the_right)
    page.route(
        "**/api/v1/projects/notes/runs",
        lambda route: route.fulfill(status=403, json=problem, content_type="application/problem+json"),
    )
    start.click()

    expect(start).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("notes")
