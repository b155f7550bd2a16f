"""The log of programs of a dozen kinds, as their readers see it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import DESKTOP, PHONE
from tests.browser.conftest import NewContext
from tests.browser.log_styles import STYLES
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import served

_SCRIPT = str(Path(__file__).with_name("log_styles.py"))
STEPS = {style.__name__: [sys.executable, _SCRIPT, style.__name__] for style in STYLES}
LEVELS = {
    "pip": ["WARN", "ERROR", "stderr"],
    "npm": ["WARN", "stderr", "ERROR", "ERROR", "ERROR"],
    "bars": ["stderr"],
    "pino": ["DEBUG", "WARN", "ERROR"],
    "structlog": ["DEBUG", "WARN", "ERROR"],
    "logfmt": ["DEBUG", "WARN", "ERROR"],
    "java": ["WARN", "DEBUG", "ERROR", "ERROR"],
    "go": ["stderr", "WARN", "ERROR", "ERROR", *["stderr"] * 7],
    "rust": ["stderr", "stderr", "WARN", *["stderr"] * 5, "ERROR", "stderr", "ERROR", "ERROR", "stderr"],
    "etl": ["ERROR", "WARN", "ERROR"],
    "japanese": ["ERROR"],
    "colours": [],
    "pytest": ["ERROR", "ERROR", "ERROR", "ERROR"],
}
"""What stands beside the lines of each step, where anything does."""

_LABELS = """rows => {
  const labels = {};
  let step = '';
  for (const row of rows) {
    const [text, label] = ['.text', '.level'].map(part => row.querySelector(part).textContent);
    if (row.matches('.step') && text.endsWith(' started')) labels[step = text.split(' ')[0]] = [];
    else if (label) labels[step].push(label);
  }
  return labels;
}"""
_OVERHANG = """pane => Math.max(...[...pane.querySelectorAll('.row .text')].map(text => {
  const range = document.createRange();
  range.selectNodeContents(text);
  return range.getBoundingClientRect().right - pane.getBoundingClientRect().left + pane.scrollLeft - pane.scrollWidth;
}))"""
"""How many pixels of a line no sideways scroll reaches."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A run of all styles. The last one fails."""
    with served(tmp_path_factory.mktemp("styles"), project_toml("styles", STEPS)) as service:
        api = Api(service.url)
        yield f"{service.url}/p/styles/runs/{api.complete('styles')}"
        api.close()


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(new_context: NewContext, request: pytest.FixtureRequest, address: str) -> Page:
    """The log in a window that is tall enough for all lines, none of which is wrapped."""
    page = new_context(viewport={**request.param, "height": 4000}).new_page()
    page.add_init_script('localStorage["solorun.preferences"] = JSON.stringify({wrap: false})')
    page.goto(f"{address}?tab=log&zoom=1")
    expect(_text(page, "pytest failed: exit code 1")).to_be_visible()
    return page


def _text(page: Page, text: str) -> Locator:
    return page.locator(".log-pane .row .text", has_text=text)


def test_the_level_or_the_stream_of_each_line_stands_beside_it(page: Page) -> None:
    assert page.locator(".log-pane .row").evaluate_all(_LABELS) == LEVELS


def test_the_end_of_each_line_is_reached_sideways(page: Page) -> None:
    assert page.locator(".log-pane").evaluate(_OVERHANG) <= 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_message_of_a_json_line_stands_first_and_its_origin_last(page: Page) -> None:
    expect(_text(page, "cache miss")).to_have_text(re.compile("^▸ cache miss  key=user:42 time=.* pid=4021 hostname="))
    expect(_text(page, "rate limited")).to_have_text(re.compile("^▸ rate limited  attempt=2 of=5 time="))
    expect(_text(page, "order stored")).to_have_text(re.compile("^▸ order stored  order_id=1494 user={.*} timestamp="))


def test_bars_and_progress_are_one_line_each(page: Page) -> None:
    expect(_text(page, "Epoch")).to_have_text(re.compile(r"^Epoch 1/3: 100%"))
    expect(_text(page, "Uploading")).to_have_text("Uploading… " + "━" * 40 + " 100% 0:00:04")
    expect(page.locator(".log-pane .row.progress")).to_have_text(re.compile("194/194 batch 194.*194 updates"))


def test_the_log_opens_at_the_first_error_of_the_step_that_failed(new_context: NewContext, address: str) -> None:
    page = new_context().new_page()
    page.goto(address)
    current = page.locator(".log-pane .row.current")

    expect(current.locator(".text")).to_have_text(re.compile("^E +AssertionError: assert"))
    expect(page.locator(".failure .reason")).to_have_text(re.compile("^FAILED tests/test_orders.py::test_a_total"))
    seq = current.get_attribute("data-seq")
    expect(page.get_by_role("button", name=f"Go to the first error (line {seq})")).to_be_visible()
