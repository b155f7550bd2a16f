"""The log: scrolling, following, searching, filtering, and links to lines."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


@pytest.fixture(scope="module")
def flood_id(service: object) -> int:
    """A run with a million lines."""
    api = Api(service.url)  # type: ignore[attr-defined]
    run_id = api.complete("flood")
    api.close()
    return run_id


LEVEL_LABELS = (("debug", "debug"), ("info", "info"), ("warn", "warning"), ("error", "error"))


def _first_seq(page: Page) -> int:
    return int(page.locator(".log-pane .row[data-seq]").first.get_attribute("data-seq") or 0)


SCROLLING_ENDED = """pane => new Promise(done => {
  const first = () => pane.querySelector('.row[data-seq]')?.dataset.seq;
  let [seen, frames] = [first(), 0];
  const check = () => {
    frames = first() === seen ? frames + 1 : 0;
    seen = first();
    if (frames > 20) done(); else requestAnimationFrame(check);
  };
  requestAnimationFrame(check);
})"""
"""Wheel scrolling is animated. Resolves when nothing has moved for some frames."""


def test_a_million_lines_open_with_a_few_rows(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}")

    expect(page.locator(".log-pane")).to_contain_text("line 1 of the flood")
    expect(page.locator(".log")).to_contain_text("1,000,002 records")
    assert page.locator(".log-pane .row").count() < 120


@pytest.mark.parametrize("line", [2, 500_000, 1_000_001])
def test_every_line_of_a_million_has_an_address(open_page: OpenPage, flood_id: int, line: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}#L{line}")

    expect(page.locator(".log-pane .row.marked")).to_contain_text(f"line {line - 1} of the flood")
    expect(page.locator(".log-pane .row.marked")).to_be_in_viewport()


def test_the_scrollbar_reaches_both_ends_of_a_million_lines(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}?tab=log")
    pane = page.locator(".log-pane")
    expect(pane).to_contain_text("line 1 of the flood")

    pane.evaluate("pane => pane.scrollTop = pane.scrollHeight")
    expect(pane).to_contain_text("lines completed")
    pane.evaluate("pane => pane.scrollTop = pane.scrollHeight / 2")
    expect(pane).to_contain_text(re.compile(r"line 49\d{4} of|line 50\d{4} of"))
    pane.evaluate("pane => pane.scrollTop = 0")
    expect(pane).to_contain_text("lines started")


def test_the_wheel_scrolls_a_million_lines_by_a_few(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}#L500000")
    expect(page.locator(".log-pane .row.marked")).to_be_visible()
    before = _first_seq(page)

    page.locator(".log-pane").hover()
    page.mouse.wheel(0, 100)

    expect(page.locator(f'.log-pane .row[data-seq="{before}"]')).to_have_count(0)
    assert 3 <= _first_seq(page) - before <= 6


def test_the_whole_log_is_searched(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}")
    expect(page.locator(".log-pane")).to_contain_text("line 1 of the flood")

    page.keyboard.press("/")
    page.keyboard.type("LINE 77777")
    expect(page.locator(".search .count")).to_have_text("1 of 11")
    page.keyboard.press("Enter")
    expect(page.locator(".search .count")).to_have_text("2 of 11")
    expect(page.locator(".log-pane .row.current")).to_contain_text("line 777770 of")
    page.locator(".log-pane").focus()
    page.keyboard.press("N")
    page.keyboard.press("N")

    expect(page.locator(".search .count")).to_have_text("11 of 11")
    expect(page.locator(".log-pane .row.current mark")).to_have_text("line 77777")
    assert "q=LINE+77777" in page.url


def test_a_live_log_is_followed_until_the_user_scrolls_up(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    pane = page.locator(".log-pane")
    expect(pane).to_contain_text(re.compile(r"tick \d\d"))
    expect(page.locator(".resume")).to_be_hidden()

    pane.hover()
    page.mouse.wheel(0, -300)
    expect(page.locator(".resume")).to_contain_text(re.compile(r"\d+ new"))
    pane.evaluate(SCROLLING_ENDED)
    first_seq = _first_seq(page)
    expect(page.locator(".resume")).to_contain_text(re.compile(r"\d{3} new"))
    assert _first_seq(page) == first_seq

    page.locator(".resume").click()
    expect(page.locator(".resume")).to_be_hidden()
    expect(pane.locator(f'.row[data-seq="{first_seq}"]')).to_have_count(0)


def test_a_followed_log_stays_followed_when_the_browser_scrolls_it(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.locator(".log-pane")).to_contain_text(re.compile(r"tick \d{3}"))

    # By now the log is longer than the pane.
    expect(page.locator(".log-pane .row").last).to_contain_text(re.compile(r"tick (0[6-9]\d|[1-9]\d\d)"))

    # The browser scrolls a pane that grows, and may report that only after the pane has its old size again.
    page.evaluate(
        """async () => {
          const pane = document.querySelector('.log-pane');
          pane.scrollTop -= 90;
          await new Promise(done => pane.addEventListener('scroll', done, { once: true }));
        }"""
    )

    expect(page.get_by_role("button", name="follow")).to_have_count(0)
    api.cancel(run_id)
    expect(page.locator(".log-pane .row").last).to_contain_text("tick cancelled")
    expect(page.locator(".log-pane .row").last).to_be_in_viewport(ratio=0.9)


def test_a_followed_log_stays_followed_when_its_pane_is_resized(open_page: OpenPage, api: Api) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.locator(".log-pane")).to_contain_text(re.compile(r"tick \d{3}"))

    # A notice appears above the log and disappears. When the pane grows, the browser scrolls it and fires a scroll
    # event before or after the resize event. This test always fires it before.
    page.evaluate(
        """async () => {
          const pane = document.querySelector('.log-pane');
          const drawn = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
          const notice = document.createElement('div');
          notice.style.height = '90px';
          document.querySelector('.tabs').after(notice);
          await drawn();
          await drawn();
          notice.remove();
          pane.getBoundingClientRect();
          pane.dispatchEvent(new Event('scroll'));
          await drawn();
        }"""
    )

    expect(page.get_by_role("button", name="follow")).to_have_count(0)
    api.cancel(run_id)
    expect(page.locator("header .badge")).to_have_text("cancelled")
    expect(page.locator(".log-pane .row").last).to_contain_text("tick cancelled")
    expect(page.locator(".log-pane .row").last).to_be_in_viewport(ratio=0.9)


def test_a_live_log_is_preloaded_and_requested_once(open_page: OpenPage, context: BrowserContext, api: Api) -> None:
    run_id = api.start("ticker")
    requested: list[str] = []
    context.on("request", lambda request: requested.append(request.url.partition("/api/v1/")[2]))

    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.locator(".log-pane")).to_contain_text(re.compile(r"tick \d"))

    assert [path for path in requested if path.startswith("runs/") and "artifacts" not in path] == [
        f"runs/{run_id}",
        f"runs/{run_id}/log?limit=120",
    ]
    started = "name => performance.getEntriesByName(location.origin + name)[0].initiatorType"
    assert page.evaluate(started, f"/api/v1/runs/{run_id}/log?limit=120") == "link"


def test_a_failed_run_opens_at_its_first_error(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})

    page = open_page(f"/p/novel/runs/{run_id}")

    expect(page.locator(".log-pane .row.current")).to_contain_text("placeholder {name} is missing")


def test_shortcuts_move_between_errors_and_lines(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}")
    current = page.locator(".log-pane .row.current .text")
    error = "placeholder {name} is missing from segment 1943"
    expect(current).to_have_text(error)

    page.keyboard.press("e")
    expect(current).to_contain_text("translate failed: exit code 3")
    page.keyboard.press("E")
    expect(current).to_have_text(error)
    page.keyboard.press("k")
    expect(current).to_contain_text("the glossary is old")
    page.keyboard.press("j")
    expect(current).to_have_text(error)


def test_output_looks_as_in_a_terminal(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")

    page = open_page(f"/p/novel/runs/{run_id}?tab=log&q=loading")

    pane = page.locator(".log-pane")
    expect(pane).to_contain_text("loading 100%")
    expect(pane).not_to_contain_text("loading 10%")
    page.get_by_role("button", name="Go to the first line").click()
    expect(pane.locator(".f2", has_text="ready")).to_be_visible()
    expect(pane.get_by_role("link", name="https://example.org/docs")).to_have_attribute("rel", "noopener noreferrer")


def test_a_group_folds_and_unfolds(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    page = open_page(f"/p/novel/runs/{run_id}?tab=log")
    group = page.get_by_role("button", name="set up")

    group.click()
    expect(page.locator(".log-pane")).not_to_contain_text("ready, see")
    group.click()
    expect(page.locator(".log-pane")).to_contain_text("ready, see")


def test_progress_reports_can_be_hidden(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    page = open_page(f"/p/novel/runs/{run_id}?tab=log&q=chapter")
    expect(page.locator(".search .count")).to_have_text("1 of 40")
    expect(page.locator(".log-pane .row.progress").first).to_be_visible()

    page.get_by_role("button", name="Show progress reports").click()

    expect(page.locator(".log .lines")).to_have_text(f"{api.run(run_id)['last_seq']} records, progress hidden")
    expect(page.locator(".log-pane .row.progress")).to_have_count(0)
    expect(page.locator(".log-pane")).to_contain_text("batch 2 of 40")


def test_the_address_contains_the_level_filter(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}?tab=log")
    counts = api.run(run_id)["level_counts"]
    expect(page.locator(".levels button")).to_have_text(
        [f"{label} {counts[level]}" if counts[level] else label for label, level in LEVEL_LABELS]
    )

    page.keyboard.press("3")

    expect(page.locator(".log-pane .row")).to_have_count(counts["error"] + counts["warning"])
    assert "level=warning" in page.url
    page.reload()
    expect(page.locator(".log-pane")).to_contain_text("the glossary is old")
    expect(page.locator(".log-pane")).not_to_contain_text("batch")


def test_a_step_in_the_timeline_filters_the_log(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel")
    page = open_page(f"/p/novel/runs/{run_id}")

    page.get_by_role("button", name=re.compile("^render ?, completed")).click()

    expect(page.locator(".log-pane .row")).to_have_count(3)
    expect(page.locator(".log-pane")).to_contain_text("rendered")
    page.get_by_role("button", name="Show all steps").click()
    expect(page.locator(".log-pane")).to_contain_text("translate completed")


def test_lines_can_be_marked_and_copied(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", "fetch")
    page = open_page(f"/p/novel/runs/{run_id}?tab=log")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.locator(".log-pane .number", has_text="1").first.click()
    page.locator(".log-pane .number", has_text="3").click(modifiers=["Shift"])
    page.get_by_role("button", name="Copy lines").click()

    assert page.url.endswith("#L1-L3")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "fetch started\nfetched\nfetch completed"


def test_long_lines_can_be_wrapped(open_page: OpenPage, flood_id: int) -> None:
    page = open_page(f"/p/flood/runs/{flood_id}?tab=log")
    page.set_viewport_size({"width": 390, "height": 1100})
    expect(page.locator(".log-pane")).to_contain_text("line 3 of the flood")

    page.get_by_role("button", name="Wrap long lines").click()

    row = page.locator(".log-pane .row", has_text="line 3 of the flood")
    expect(row).to_be_visible()
    assert (row.bounding_box() or {"height": 0})["height"] >= 40
    page.get_by_role("button", name="Go to the last line").click()
    expect(page.locator(".log-pane .row").last).to_contain_text("lines completed")
    expect(page.locator(".log-pane .row").last).to_be_in_viewport()


def test_the_log_can_be_downloaded(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}?level=error")
    page.get_by_label("Download", exact=True).click()

    with page.expect_download() as download:
        page.get_by_role("link", name="Filtered log (text)").click()

    text = download.value.path().read_text()
    assert "placeholder {name} is missing" in text
    assert "batch 1 of 40" not in text
