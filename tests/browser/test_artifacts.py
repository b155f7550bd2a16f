"""Artifacts of a run: the list, and a preview by type."""

import re
from zipfile import ZipFile

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from tests.browser.conftest import NewContext, OpenPage
from tests.browser.projects import Api
from tests.fakes.running_service import ServedService

COUNT_LINES = """cells => cells.map(cell => {
  const text = document.createRange();
  text.selectNodeContents(cell);
  return new Set([...text.getClientRects()].map(({top}) => Math.round(top))).size;
})"""


@pytest.fixture(scope="module")
def report_id(service: ServedService) -> int:
    api = Api(service.url)
    run_id = api.complete("report")
    api.close()
    return run_id


def test_artifacts_are_listed_and_counted(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}")

    page.get_by_role("tab", name="Artifacts 13").click()

    expect(page.get_by_role("row")).to_have_count(14)
    expect(page.get_by_role("link", name="figures/dot.png", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("path", "cells"), [("?tab=artifacts", "td.number"), ("/artifacts/measures.csv", "td:not(:last-child)")]
)
def test_words_and_numbers_with_their_units_stay_on_one_line_on_a_phone(
    open_page: OpenPage, report_id: int, path: str, cells: str
) -> None:
    page = open_page(f"/p/report/runs/{report_id}{path}")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(cells).first).to_be_visible()

    lines = page.locator(cells).evaluate_all(COUNT_LINES)

    assert set(lines) == {1}


@pytest.mark.parametrize(("width", "is_shown"), [(390, False), (1440, True)])
def test_the_contents_of_a_document_are_folded_on_a_phone(
    open_page: OpenPage, new_context: NewContext, report_id: int, width: int, is_shown: bool
) -> None:
    context = new_context(viewport={"width": width, "height": 844})
    page = open_page(f"/p/report/runs/{report_id}/artifacts/report.md", within=context)
    contents = page.get_by_role("navigation", name="Contents")
    expect(contents).to_be_visible()

    expect(contents.get_by_role("link", name="Numbers")).to_be_visible(visible=is_shown)
    contents.get_by_text("Contents").click()
    expect(contents.get_by_role("link", name="Numbers")).to_be_visible(visible=not is_shown)


def test_all_artifacts_are_downloaded_together(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}?tab=artifacts")

    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()

    with ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) == 13
        assert archive.read("Makefile") == b"all:\n\techo done\n"


def test_the_list_continues_page_by_page(open_page: OpenPage, context: BrowserContext, report_id: int) -> None:
    def shorten(route: Route) -> None:
        url = route.request.url
        route.fulfill(response=route.fetch(url=f"{url}{'&' if '?' in url else '?'}limit=5"))

    context.route(re.compile(r"/artifacts(\?|$)"), shorten)
    page = open_page(f"/p/report/runs/{report_id}?tab=artifacts")
    expect(page.get_by_role("tab", name="Artifacts 5+")).to_be_visible()

    page.get_by_role("button", name="More artifacts").click()
    expect(page.get_by_role("row")).to_have_count(11)
    page.get_by_role("button", name="More artifacts").click()

    expect(page.get_by_role("row")).to_have_count(14)
    expect(page.get_by_role("button", name="More artifacts")).to_have_count(0)
    page.get_by_role("row").nth(13).get_by_role("link").first.click()
    expect(page.get_by_role("row")).not_to_have_count(14)
    page.go_back()
    expect(page.get_by_role("row")).to_have_count(14)


def test_a_list_that_is_cut_says_so(open_page: OpenPage, context: BrowserContext, report_id: int) -> None:
    def cut(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "truncated": True})

    context.route(re.compile(r"/artifacts(\?|$)"), cut)
    page = open_page(f"/p/report/runs/{report_id}?tab=artifacts")

    expect(page.get_by_text("The list ends after 13 artifacts.")).to_be_visible()


def test_markdown_is_rendered_and_sanitized(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/report.md")

    expect(page.get_by_role("heading", name="Report", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("report.md")
    expect(page.locator("article script, article img")).to_have_count(0)
    expect(page.get_by_role("navigation", name="Contents").get_by_role("link")).to_have_text(
        ["Numbers", "Second", "Third"]
    )
    expect(page).not_to_have_title("taken over")

    page.get_by_role("button", name="count").press("Enter")
    expect(page.locator("article td").first).to_have_text("alpha")
    page.get_by_role("button", name="Raw").click()
    expect(page.locator("pre")).to_contain_text("# Report")


def test_the_references_of_a_document_work(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/references.md")
    article = page.locator("article")

    expect(article.get_by_role("img", name="the dot")).to_have_js_property("naturalWidth", 1)
    expect(article).to_contain_text("the missing one")
    expect(article.get_by_role("listitem").filter(has_text="done")).to_have_text("☑ done")
    expect(article.get_by_role("link", name="elsewhere")).to_have_attribute("rel", "noopener noreferrer")
    expect(article.get_by_role("link", name="elsewhere")).to_have_attribute("target", "_blank")
    article.get_by_role("link", name="last section").click()
    expect(page.get_by_role("heading", name="Last section")).to_be_focused()
    article.get_by_role("link", name="1", exact=True).click()
    expect(article.get_by_role("listitem").filter(has_text="The note.")).to_be_focused()
    article.get_by_role("link", name="words").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("words.csv")


def test_a_document_that_is_nested_too_deeply_is_shown_as_text(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/deep.md")

    expect(page.get_by_text("nested too deeply")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("> deep")


def test_csv_is_shown_as_a_sortable_table(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/words.csv")
    expect(page.locator("td").first).to_have_text("beta, b")

    page.get_by_role("button", name="count").click()

    expect(page.locator("td").first).to_have_text("alpha")


def test_json_is_a_tree_that_folds(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/data.json")
    tree = page.locator(".tree")
    expect(tree).to_have_text(re.compile(r'^\{\s*"albums": \[\s*1,\s*2\s*\]\s*\}$'))

    tree.get_by_text('"albums"').click()
    expect(tree).to_have_text(re.compile(r'^\{\s*"albums": \[ 2 items \]\s*\}$'))
    page.get_by_role("button", name="Raw").click()

    expect(page.locator("pre")).to_have_text('{"albums": [1, 2]}')


def test_an_image_is_shown(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/figures/dot.png")

    image = page.get_by_role("img", name="figures/dot.png")
    expect(image).to_have_js_property("naturalWidth", 1)
    expect(image).to_be_visible()
    assert image.evaluate("image => [image.naturalWidth, image.clientWidth, image.clientHeight]") == [1, 1, 1]


def test_other_files_can_be_downloaded(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/model.bin")
    expect(page.get_by_text("This file type has no preview.")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()

    assert download.value.path().read_bytes() == bytes(range(256))


def test_formatted_json_keeps_its_numbers_and_keys(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/exact.json")

    expect(page.locator(".tree")).to_have_text(
        re.compile(r'"id": 9007199254740993,\s*"price": 1.10,\s*"far": 1e400,\s*"zero": -0,\s*"zero": 0')
    )


def test_a_table_keeps_all_its_cells_and_characters(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/semicolons.csv")

    expect(page.get_by_role("columnheader")).to_have_text(["größe", "preis", "Column 3"])
    expect(page.locator("td")).to_have_text(["klein", "-3", "", "mittel", "0,5", "mehr"])


@pytest.mark.parametrize(("name", "text"), [("Makefile", "echo done"), ("app.log.1", "an old line")])
def test_a_text_file_of_an_unknown_type_is_shown(open_page: OpenPage, report_id: int, name: str, text: str) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/{name}")

    expect(page.locator("pre")).to_contain_text(text)


def test_an_empty_file_is_shown_as_empty(open_page: OpenPage, report_id: int) -> None:
    page = open_page(f"/p/report/runs/{report_id}/artifacts/empty.txt")

    expect(page.get_by_text("This file is empty.")).to_be_visible()
