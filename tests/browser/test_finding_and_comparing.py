"""The palette, the list of keys, the chart of durations, and the comparison of two runs."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.running_service import ServedService


def _open_palette(page: Page) -> tuple[Locator, Locator]:
    """The field, and the commands that it finds."""
    page.keyboard.press("Control+k")
    return page.get_by_label("Search commands"), page.locator("#commands").get_by_role("option")


def test_the_palette_finds_letters_in_order_and_other_words(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    page = open_page(f"/p/novel/runs/{run_id}")
    expect(page.locator("header .badge")).to_have_text("completed")
    field, options = _open_palette(page)

    field.fill("nvl")
    expect(options.first).to_have_text(re.compile(r"^\s*novel\s*completed · "))
    field.fill(f"#{run_id}")
    expect(options.first).to_have_text(re.compile(rf"#{run_id} novel\s*completed · "))
    expect(page.locator("#commands .group").first).to_have_text("Runs")
    field.press("Enter")

    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_palette_finds_the_status_and_the_reason_of_the_last_run(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page("/")
    expect(page.locator(".sidebar").get_by_role("link", name=re.compile("^novel ?, failed"))).to_be_visible()
    field, options = _open_palette(page)
    reason = api.run(run_id)["error_message"]

    for words in ("novel failed", "failed nov", reason.rpartition(": ")[2]):
        field.fill(words)
        expect(options.first).to_have_text(re.compile(r"^\s*novel\s*failed · "))
        expect(options.filter(has_text=f"#{run_id} novel")).to_have_text(
            re.compile(rf"^\s*#{run_id} novel {re.escape(reason)}\s*failed · ")
        )


def test_the_palette_opens_the_run_with_the_number_before_longer_numbers(
    open_page: OpenPage, street: ServedService, street_api: Api
) -> None:
    while street_api.complete("project-01") < 10:
        pass
    page = open_page("/", url=street.url)
    expect(page.get_by_role("article", name="project-01")).to_be_visible()

    _open_palette(page)[0].fill("1")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="#1", level=1)).to_be_visible()


def test_the_palette_cancels_what_runs_from_any_page(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page("/runs")
    expect(page.get_by_role("row", name=re.compile(rf"#{run_id}\b"))).to_be_visible()
    field, options = _open_palette(page)

    field.fill("stop")
    expect(options.first).to_have_text(re.compile(rf"^\s*Cancel run #{run_id} ticker"))
    page.keyboard.press("Enter")

    expect(page.get_by_role("dialog", name=f"Cancel run {run_id}")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_palette_sets_the_theme_that_is_named(open_page: OpenPage, theme: str) -> None:
    page = open_page("/nowhere")
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")

    _open_palette(page)[0].fill(theme)
    page.keyboard.press("Enter")

    expect(page.locator("html")).to_have_css("color-scheme", theme)


def test_every_command_has_an_icon_or_the_status_of_its_run(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}")
    expect(page.locator("header .badge")).to_have_text("failed")
    field, options = _open_palette(page)
    plain = options.filter(has_not=page.locator(".icon > svg, .icon > i, .icon .icon > *"))

    # The list shows only the first 40 commands.
    for words, found in (
        ("dark theme", "Dark theme"),
        ("start novel", "Start novel"),
        (f"#{run_id}", re.compile(rf"^\s*#{run_id} novel")),
    ):
        field.fill(words)
        expect(options.filter(has_text=found)).to_be_visible()
        expect(plain).to_have_count(0)

    expect(options.filter(has_text=re.compile(rf"^\s*#{run_id} novel")).locator(".icon.failed svg")).to_have_count(1)
    field.fill("log out")
    expect(options.filter(has_text="Log out")).to_have_count(0)


def test_help_lists_the_keys_of_the_log(open_page: OpenPage) -> None:
    page = open_page("/")

    page.keyboard.press("?")

    for keys in ("AltW", "Home", "End", "Shiftclick"):
        expect(page.get_by_role("term").filter(has_text=re.compile(f"^{keys}$"))).to_be_visible()


def test_the_bars_of_the_chart_are_reached_by_keyboard(open_page: OpenPage, api: Api) -> None:
    first, last = api.complete("novel"), api.complete("novel")
    page = open_page("/p/novel")
    bars = page.locator("figure a")
    expect(bars.last).to_have_attribute("aria-label", re.compile(f"^#{last} · completed"))
    expect(page.locator("figure .dates span")).to_have_count(2)
    for bar in (bars.first, bars.last):
        box = bar.bounding_box()
        assert box is not None
        assert box["width"] <= 26
        assert box["height"] <= 150

    bars.last.focus()
    page.keyboard.press("ArrowLeft")
    expect(bars.nth(-2)).to_be_focused()
    expect(page.locator("figure a[tabindex='0']")).to_have_count(1)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text(f"#{first}")


def test_the_chart_shows_one_step(open_page: OpenPage, api: Api) -> None:
    partial = api.complete("novel", "fetch")
    failed = api.complete("novel", params={"book": "broken"})
    page = open_page("/p/novel")
    bars = page.locator("figure a")
    expect(bars.nth(-2)).to_have_attribute("aria-label", re.compile(f"^#{partial} · completed · fetch · "))
    expect(bars.last).to_have_attribute("aria-label", re.compile(f"^#{failed} · failed · full · "))
    whole = bars.count()

    page.get_by_label("Durations of").select_option("translate")
    expect(bars.last).to_have_attribute("aria-label", re.compile(f"^#{failed} · failed · translate · "))
    assert bars.count() < whole
    expect(page).to_have_url(re.compile(r"/p/novel\?chart=translate$"))
    page.get_by_label("Durations of").select_option("fetch")
    expect(bars.last).to_have_attribute("aria-label", re.compile(f"^#{failed} · completed · fetch · "))
    page.get_by_label("Durations of").select_option("render")
    page.get_by_label("Durations of").select_option("Whole run")

    expect(bars).to_have_count(whole)
    expect(page).to_have_url(re.compile("/p/novel$"))


def test_any_two_runs_are_compared(open_page: OpenPage, api: Api) -> None:
    runs = [api.complete("novel") for _ in range(3)]
    page = open_page(f"/compare/{runs[1]}/{runs[2]}")

    page.get_by_label("First run").select_option(str(runs[0]))
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Compare #{runs[0]} and #{runs[2]}")
    page.get_by_role("link", name="Swap", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Compare #{runs[2]} and #{runs[0]}")
    expect(page.get_by_label("Second run")).to_have_value(str(runs[0]))


def test_the_logs_of_two_runs_are_compared(open_page: OpenPage, api: Api) -> None:
    good, broken = api.complete("novel"), api.complete("novel", params={"book": "broken"})
    page = open_page(f"/compare/{good}/{broken}")

    page.get_by_role("button", name="Compare the logs").click()
    added = page.locator("tr.added", has_text="placeholder {name} is missing")
    expect(added).to_be_visible()
    expect(page.locator("tr.removed", has_text="rendered")).to_be_visible()
    expect(page.locator("tr.skipped").first).to_have_text(re.compile(r"^\d+ equal lines$"))
    page.get_by_label("Lines of").select_option("fetch")
    expect(page.get_by_text("No differences in 1 line.")).to_be_visible()
    page.get_by_label("Lines of").select_option("translate")
    added.get_by_role("link").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"novel #{broken}")
    expect(page.locator(".log-pane .row.marked")).to_contain_text("placeholder {name} is missing")


def test_the_files_of_two_runs_are_compared(open_page: OpenPage, api: Api) -> None:
    left, right = api.complete("notes"), api.complete("notes", params={"text": "a new line"})
    page = open_page(f"/compare/{left}/{right}")
    row = page.get_by_role("row")

    same = row.filter(has_text="same.txt").get_by_role("link")
    for link, run_id in zip((same.first, same.last), (left, right), strict=True):
        expect(link).to_have_accessible_name(re.compile(rf"^5\sB, same.txt of #{run_id}$"))
    expect(row.filter(has_text="same.txt")).to_have_text(re.compile("same$"))
    expect(row.filter(has_text="extra.bin")).to_have_text(re.compile(rf"—\s*0\sB\s*only in #{right}$"))
    page.get_by_role("button", name="Show differences of note.txt", exact=True).click()
    expect(page.get_by_role("region", name="Differences in note.txt")).to_be_visible()
    expect(page.locator("tr.added")).to_have_text(re.compile("a new line$"))
    page.reload()

    expect(page.locator("tr.added")).to_have_text(re.compile("a new line$"))


def test_durations_of_different_projects_are_not_compared(open_page: OpenPage, api: Api) -> None:
    left, right = api.complete("notes"), api.complete("novel", "fetch")

    page = open_page(f"/compare/{left}/{right}")

    expect(page.get_by_text("These runs are of different projects: notes and novel.")).to_be_visible()
    expect(page.locator(".durations")).not_to_contain_text("%")


def test_a_parameter_that_is_an_address_is_a_link(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", "fetch", {"book": "https://example.org/book?page=1"})

    page = open_page(f"/p/novel/runs/{run_id}?tab=parameters")

    expect(page.get_by_role("link", name="https://example.org/book?page=1")).to_have_attribute(
        "href", "https://example.org/book?page=1"
    )
