"""Pages that the browser translates."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api

TRANSLATE = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (!text.data.trim() || text.parentElement.closest('[translate=no], script, style, font')) continue;
    const [outer, inner] = [document.createElement('font'), document.createElement('font')];
    outer.append(inner);
    inner.append(text.data.toUpperCase());
    text.replaceWith(outer);
  }
}"""
"""As Chrome does it."""


def _translate(page: Page) -> None:
    page.evaluate(TRANSLATE)


@pytest.mark.parametrize("path", ["/p/paced-translated/runs/{run}", "/"])
def test_a_translated_page_stays_live(open_page: OpenPage, api: Api, tmp_path: Path, path: str) -> None:
    run_id = api.start("paced-translated", params={"gates": str(tmp_path), "shares": "40 60"})
    page = open_page(path.format(run=run_id))
    place = page.locator('article:has(a[href="/p/paced-translated"])' if path == "/" else "header").first
    badge = place.locator(".badge.running")
    expect(badge).to_contain_text("running")
    _translate(page)
    expect(badge).to_contain_text("RUNNING")

    (tmp_path / "40").touch()
    expect(page.get_by_text("60 / 100").first).to_be_visible()
    expect(page.get_by_text("40 / 100")).to_have_count(0)
    (tmp_path / "60").touch()

    expect(place.locator(".badge.completed")).to_have_text("completed")
    expect(place.locator(".badge", has_text="RUNNING")).to_have_count(0)


def test_data_is_not_translated(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}")
    expect(page.locator(".failure pre")).to_contain_text("placeholder {name} is missing")
    expect(page.locator(".log-pane")).to_contain_text("placeholder {name} is missing")

    _translate(page)

    expect(page.get_by_role("tab").first).to_have_text("RUN")
    expect(page.locator(".failure pre")).to_contain_text("placeholder {name} is missing")
    expect(page.locator(".log-pane")).to_contain_text("placeholder {name} is missing")
    expect(page.locator(".gantt .name").first).to_contain_text("fetch")
    expect(page.locator(".crumbs a").first).to_have_text("novel")
