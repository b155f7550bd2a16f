"""HTML artifacts: pages in a frame that is isolated from the service, its cookie and the network."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Page, expect

from tests.browser.deployments import Deployment
from tests.browser.projects import Api
from tests.fakes.running_service import ServedService

OpenReport = Callable[[str], tuple[Page, FrameLocator]]


@pytest.fixture(scope="module")
def results_id(service: ServedService) -> int:
    api = Api(service.url)
    run_id = api.complete("results")
    api.close()
    return run_id


@pytest.fixture(scope="module")
def report_id(service: ServedService) -> int:
    api = Api(service.url)
    run_id = api.complete("covered")
    api.close()
    return run_id


@pytest.fixture
def open_report(context: BrowserContext, deployment: Deployment, report_id: int) -> OpenReport:
    def open_file(name: str) -> tuple[Page, FrameLocator]:
        page = context.new_page()
        page.goto(f"{deployment.url}/p/covered/runs/{report_id}/artifacts/htmlcov/{name}")
        return page, page.frame_locator("iframe")

    return open_file


def test_an_html_file_is_a_page_that_reaches_neither_the_network_nor_the_session(
    context: BrowserContext, deployment: Deployment, results_id: int
) -> None:
    address = f"{deployment.url}/p/results/runs/{results_id}/artifacts/page.html"
    context.add_cookies([{"name": "session", "value": "secret", "url": deployment.url}])
    context.add_init_script("if (top === self) localStorage.secret = 'secret'")
    page = context.new_page()
    page.goto(address)

    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Report")).to_have_css("color", "rgb(0, 128, 0)")
    expect(report.locator("#results li")).to_have_text(
        [
            "cookie: SecurityError",
            "storage: null",
            "connection: ReferenceError",
            "parent: SecurityError",
            "fetch: TypeError",
            "image: error",
        ]
    )
    page.get_by_role("button", name="Raw").click()
    expect(page.locator("pre")).to_contain_text("<h1>Report</h1>")


def test_a_page_has_the_styles_scripts_and_pictures_next_to_it(
    context: BrowserContext, deployment: Deployment, report_id: int
) -> None:
    page = context.new_page()
    page.goto(f"{deployment.url}/p/covered/runs/{report_id}/artifacts/htmlcov/index.html")

    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Coverage")).to_have_css("color", "rgb(0, 128, 0)")
    expect(report.get_by_text("counted")).to_be_visible()
    dot = report.get_by_role("img", name="dot")
    expect(dot).to_be_visible()
    assert dot.evaluate("dot => dot.naturalWidth") > 0


def test_a_large_html_file_is_a_page_too(context: BrowserContext, deployment: Deployment, results_id: int) -> None:
    page = context.new_page()
    page.goto(f"{deployment.url}/p/results/runs/{results_id}/artifacts/large.html")

    expect(page.frame_locator("iframe").get_by_role("heading", name="Large")).to_be_visible()
    page.get_by_role("button", name="Raw").click()
    expect(page.locator(".notice")).to_contain_text("too large to preview")


def test_a_page_whose_script_uses_storage_and_adds_pictures_works(open_report: OpenReport) -> None:
    page, report = open_report("table.html")

    expect(report.get_by_role("listitem")).to_have_text(["failed", "passed"])
    expect(report.get_by_text("über alles")).to_be_visible()
    expect(report.get_by_role("img", name="shot")).to_have_js_property("naturalWidth", 1)
    expect(page.locator(".notice")).to_have_count(0)


def test_a_page_that_requests_something_from_the_network_says_so(open_report: OpenReport) -> None:
    page, report = open_report("plot.html")

    expect(report.get_by_role("heading", name="Plot")).to_be_visible()
    expect(page.locator(".notice")).to_have_text(
        "This page may be incomplete. It is isolated, so it could not load: cdn.example"
    )


@pytest.mark.parametrize(
    ("link", "path", "heading"),
    [("table", "table.html#rows", "htmlcov/table.html"), ("sub", "sub/index.html", "htmlcov/sub/index.html")],
)
def test_a_link_to_another_page_opens_that_artifact(
    open_report: OpenReport, link: str, path: str, heading: str
) -> None:
    page, report = open_report("links.html")

    report.get_by_role("link", name=link).click()

    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page).to_have_url(re.compile(rf"/htmlcov/{path}$"))
    expect(report.get_by_text(re.compile("alles|Below"))).to_be_visible()
    page.go_back()
    expect(report.get_by_role("heading", name="Links")).to_be_visible()


def test_a_link_within_a_page_scrolls_it(open_report: OpenReport) -> None:
    page, report = open_report("links.html")

    report.get_by_role("link", name="down").click()

    expect(report.get_by_text("The end")).to_be_in_viewport()
    expect(page.get_by_role("heading", level=1)).to_have_text("htmlcov/links.html")


def test_a_link_to_a_missing_page_says_that_it_is_missing(open_report: OpenReport) -> None:
    page, report = open_report("links.html")

    report.get_by_role("link", name="missing").click()

    expect(page.get_by_text("This run has no artifact with this name.")).to_be_visible()


def test_a_link_out_of_the_run_is_shown_rather_than_followed(open_report: OpenReport) -> None:
    page, report = open_report("links.html")

    report.get_by_role("link", name="docs").click()
    link = page.get_by_role("status").get_by_role("link", name="https://example.org/docs")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    report.get_by_role("link", name="runs").click()

    expect(page.get_by_text("This link leads to no file of this run.")).to_be_visible()
    expect(link).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("htmlcov/links.html")


def test_a_page_leads_nowhere_without_a_click(context: BrowserContext, deployment: Deployment, report_id: int) -> None:
    page = context.new_page()
    address = f"{deployment.url}/p/covered/runs/{report_id}/artifacts/htmlcov/eager.html"

    with page.expect_response(re.compile(r"/last\.png$")):  # The dashboard requests it for the page.
        page.goto(address)

    assert page.url == address
    assert len(context.pages) == 1
    expect(page.frame_locator("iframe").get_by_role("heading", name="Eager")).to_be_visible()
