"""The toolbar of a log: its height stays the same whatever it has to say, so that the log does not jump."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

WIDTHS = [1024, 1279, 1280, 1360, 1439, 1440, 1600, 1920, 3840]
STEP = "translate_documents"
TOML = project_toml(
    "batch", {STEP: 'seq -f "line %.0f" 3000; test "$SOLORUN_ATTEMPT" = 2 || exit 75; sleep 600'}, cancel_grace="0s"
)
TOML += 'retries = 1\nretry_delay = "0s"\n'

_FAULTS = """tools => {
  const limit = tools.getBoundingClientRect();
  const shown = [...tools.querySelectorAll('input, button, summary, select, .status, .count')]
    .map(one => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
  const faults = shown.filter(([one, box]) => box.right > limit.right || box.left < limit.left)
    .map(([one]) => `${one.className} is outside`);
  for (const [one, box] of shown)
    for (const [other, its] of shown)
      if (one !== other && !other.contains(one) && !one.contains(other) && box.left < its.right - 1
          && its.left < box.right - 1 && box.top < its.bottom && its.top < box.bottom)
        faults.push(`${one.className} covers ${other.className}`);
  const input = tools.querySelector('input');
  if (input.clientWidth < (input.value ? 70 : 120)) faults.push(`the input is ${input.clientWidth} px wide`);
  const count = tools.querySelector('.count');
  if (count && count.scrollWidth > count.clientWidth) faults.push(`${count.textContent} is cut`);
  return [limit.height, faults];
}"""


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    with served(tmp_path_factory.mktemp("batch"), TOML) as started:
        yield started


def _measure(page: Page) -> dict[int, float]:
    """The height at each width. Nothing may be cut or cover anything else."""
    heights: dict[int, float] = {}
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        heights[width], faults = page.locator(".log .tools").evaluate(_FAULTS)
        found[width] = faults
    assert found == {width: [] for width in WIDTHS}
    return heights


def test_the_height_of_the_toolbar_stays_the_same(open_page: OpenPage, batch: ServedService) -> None:
    api = Api(batch.url)
    run_id = api.start("batch")
    api.wait_until(lambda: api.run(run_id)["last_seq"] >= 6003)
    page = open_page(f"/p/batch/runs/{run_id}?tab=log", url=batch.url)
    count, search = page.locator(".log .count"), page.get_by_role("searchbox", name="Search the log")
    expect(page.locator(".log .status")).to_have_text("Live")
    expect(page.locator(".log-pane")).to_contain_text("line 3000")
    height = _measure(page)

    search.fill("line")
    expect(count).to_have_text(re.compile("^[0-9,]+ of 6,00[0-9]$"))
    searching = _measure(page)
    page.goto(f"{batch.url}/p/batch/runs/{run_id}?tab=log&step={STEP}&attempt=1&level=info&stream=stdout&q=line")
    expect(page.get_by_role("button", name=f"step {STEP}")).to_be_visible()
    expect(count).to_have_text(re.compile("^[0-9,]+ of [0-9],[0-9]{3}$"))
    filtering = _measure(page)
    page.get_by_role("button", name="Use a regular expression").click()
    search.fill("line [")
    expect(page.locator(".log .invalid")).to_be_visible()
    invalid = _measure(page)
    batch.kill()
    expect(page.locator(".log .status")).to_have_text("Disconnected")
    disconnected = _measure(page)
    api.close()

    assert [searching, filtering, invalid, disconnected] == [height] * 4
