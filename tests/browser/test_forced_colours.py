"""The dashboard in forced colours, which replace every colour of a page by one of a few that the user has chosen."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Playwright, expect

from tests.browser.browsers import launch
from tests.browser.conftest import NewContext, OpenPage
from tests.browser.projects import Api
from tests.fakes.running_service import ServedService

CHOOSE_CARDS = """
if (location.protocol === 'http:') localStorage.setItem('solorun.preferences', '{"layout": "cards"}');
"""
"""Firefox runs it in the blank page too, which has no storage."""
BACKGROUND = "element => getComputedStyle(element).backgroundColor"


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = launch(playwright, **{"browser.display.document_color_use": 2})
    yield launched
    launched.close()


@pytest.fixture(scope="module")
def runs(service: ServedService) -> dict[str, int]:
    api = Api(service.url)
    runs = {"good": api.complete("novel"), "failed": api.complete("novel", params={"book": "broken"})}
    api.close()
    return runs


@pytest.fixture
def forced(new_context: NewContext) -> BrowserContext:
    opened = new_context(forced_colors="active")
    opened.add_init_script(CHOOSE_CARDS)
    return opened


def _is_drawn(element: Locator) -> bool:
    ground = element.page.locator("body").evaluate(BACKGROUND)
    return element.evaluate(BACKGROUND) not in (ground, "rgba(0, 0, 0, 0)")


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/", "article .strip i.failed"),
        ("/", "article .bars a.failed"),
        ("/", ".sidebar nav i.failed"),
        ("/", ".sidebar .connection i"),
        ("/p/novel", ".plot a.failed i"),
        ("/p/novel/runs/{failed}", ".gantt .bar"),
        ("/p/novel/runs/{failed}", ".log .dot"),
        ("/p/novel/runs/{failed}?q=batch", ".log-pane mark"),
        ("/compare/{good}/{failed}", ".durations i.failed"),
    ],
)
def test_what_is_drawn_as_a_background_is_visible(
    open_page: OpenPage, forced: BrowserContext, runs: dict[str, int], path: str, part: str
) -> None:
    page = open_page(path.format_map(runs), within=forced)

    drawn = page.locator(f"{part} >> visible=true").first
    expect(drawn).to_be_visible()

    assert _is_drawn(drawn)


def test_a_run_in_progress_has_its_dots(open_page: OpenPage, forced: BrowserContext, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}", within=forced)
    expect(page.locator("header .badge")).to_have_text("running")

    assert _is_drawn(page.locator("header .icon .dot"))
    assert _is_drawn(page.locator(".gantt .bar"))


def test_what_is_chosen_differs_from_the_rest(
    open_page: OpenPage, forced: BrowserContext, api: Api, runs: dict[str, int]
) -> None:
    warning = next(record["seq"] for record in api.log(runs["failed"]) if record["level"] == "warning")
    page = open_page(f"/p/novel/runs/{runs['failed']}?level=warning#L{warning}", within=forced)
    expect(page.locator(".log-pane")).to_contain_text("the glossary is old")
    page.get_by_role("button", name="debug").click()
    page.get_by_role("button", name="Show raw JSON lines").click()
    expect(page.locator(".log-pane .row.marked").first).to_be_visible()

    for chosen in (
        page.get_by_role("tab", name="Run", exact=True),
        page.get_by_role("button", name="debug"),
        page.get_by_role("button", name="Show raw JSON lines"),
        page.locator(".sidebar").get_by_role("link", name="novel"),
        page.locator(".log-pane .row.marked").first,
    ):
        expect(chosen).to_have_css("outline-style", "solid")
    for other in (
        page.get_by_role("tab", name="Log", exact=True),
        page.get_by_role("button", name="warn"),
        page.get_by_role("button", name="Wrap long lines"),
        page.locator(".sidebar").get_by_role("link", name="ticker"),
        page.locator(".log-pane .row:not(.marked, .current)").first,
    ):
        expect(other).to_have_css("outline-style", "none")
