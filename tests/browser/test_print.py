"""A run on paper: its timeline and its log, without what is there to be clicked."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browsers import not_in_firefox
from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

pytestmark = not_in_firefox("Playwright prints with Chromium alone")

WATCH_PRINTING = """() => {
  window.print = () => (window.asked = true);
  addEventListener("beforeprint", () => {
    window.printed = [...document.querySelectorAll(".printed .row .text, .printed p")].map((one) => one.textContent);
  });
}"""


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    configuration = project_toml("short", {"count": "seq 1 300; echo no >&2; exit 3", "never": "true"})
    configuration += project_toml("long", {"count": "seq 1 9000"})
    configuration += project_toml(
        "held", {"hold": "trap '' TERM; echo deaf; while :; do sleep 0.2; done"}, cancel_grace="10m"
    )
    with served(tmp_path_factory.mktemp("works"), configuration) as started:
        yield started


@pytest.fixture
def works_api(works: ServedService) -> Iterator[Api]:
    api = Api(works.url)
    yield api
    api.close()


def _print(page: Page) -> tuple[list[str], int]:
    """The lines of the log on paper, and the number of sheets."""
    expect(page.locator(".log-pane .row .text").first).to_have_text(re.compile("."))
    page.evaluate(WATCH_PRINTING)
    page.keyboard.press("Control+p")
    page.wait_for_function("() => window.asked")
    paper = page.pdf(format="A4")
    return page.evaluate("printed"), paper.count(b"/Type /Page\n")


def test_the_whole_log_of_a_run_is_printed(open_page: OpenPage, works: ServedService, works_api: Api) -> None:
    page = open_page(f"/p/short/runs/{works_api.complete('short')}", url=works.url)
    expect(page.locator(".failure")).to_contain_text("no")

    lines, sheets = _print(page)

    assert lines == ["count started", *map(str, range(1, 301)), "no", "count failed: exit code 3: no"]
    assert 6 <= sheets <= 8
    expect(page.locator(".printed")).to_have_count(0)


def test_a_long_log_says_what_is_not_printed(open_page: OpenPage, works: ServedService, works_api: Api) -> None:
    page = open_page(f"/p/long/runs/{works_api.complete('long')}", url=works.url)

    lines, sheets = _print(page)

    assert lines[:2] == ["count started", "1"]
    assert lines[-1] == f"{9_002 - (len(lines) - 1):,} later lines are not printed."
    assert len(lines) == 2001
    assert sheets < 60


def test_paper_shows_the_steps_and_no_controls(open_page: OpenPage, works: ServedService, works_api: Api) -> None:
    page = open_page(f"/p/short/runs/{works_api.complete('short')}", url=works.url)
    expect(page.locator(".gantt .sight")).to_be_visible()

    page.emulate_media(media="print")

    expect(page.locator(".gantt .bar.failed")).to_be_visible()
    # It would cover the bars: without colours, it is white.
    for hidden in (".gantt .sight", ".sidebar", ".tools", "[role=tablist]", ".failure .link"):
        expect(page.locator(f"{hidden} >> visible=true")).to_have_count(0)


def test_paper_has_no_buttons_on_any_page(open_page: OpenPage, works: ServedService, works_api: Api) -> None:
    run_id = works_api.start("held")
    works_api.wait_until(lambda: any(record["message"] == "deaf" for record in works_api.log(run_id)))
    works_api.request_cancel(run_id)
    works_api.complete("short")
    page = open_page(f"/p/held/runs/{run_id}", url=works.url)
    kill = page.get_by_role("button", name="Kill it now")
    expect(kill).to_be_visible()

    page.emulate_media(media="print")
    expect(kill).to_have_count(0)
    works_api.cancel(run_id, grace_seconds=0)
    page.emulate_media(media="screen")
    page.goto(works.url)
    seen = page.get_by_role("button", name="Mark all as seen")
    expect(seen).to_be_visible()
    page.emulate_media(media="print")

    expect(seen).to_have_count(0)
