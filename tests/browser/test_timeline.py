"""The timeline of a run's steps: its rows, its shapes, and the way from a time in it to the log."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import DESKTOP, PHONE, violations_everywhere
from tests.browser.conftest import NewContext, OpenPage
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

GATE = "while test -e gate; do sleep 0.05; done"
COUNTS = (1, 6, 25, 200)
SUMMARY = """for i in $(seq 40); do echo "line $i"; echo; done > "$SOLORUN_ARTIFACTS/summary.md\""""
PICTURE = """echo '<svg xmlns="http://www.w3.org/2000/svg"/>' > "$SOLORUN_ARTIFACTS/plot.svg"; """
STATES = ("completed", "running", "cancelling", "failed", "cancelled", "interrupted")
"""Of steps that have begun: the others have no bar."""
SHAPE = """(bar, state) => {
  const names = bar.className.split(' ').filter((name) => name === 'bar' || name.startsWith('svelte-'));
  bar.className = [...names, state].join(' ');
  const {clipPath, backgroundImage, borderTopStyle} = getComputedStyle(bar);
  return [clipPath, backgroundImage.replace(/rgb.*?\\)|color.*?\\)/g, ''), borderTopStyle];
}"""


def _steps(count: int, changes: dict[int, str] | None = None) -> dict[str, str]:
    commands = dict.fromkeys(range(1, count + 1), "echo working") | (changes or {})
    return {f"step-{number:03}": command for number, command in commands.items()}


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    configuration = "".join(project_toml(f"of-{count}", _steps(count)) for count in COUNTS)
    configuration += "".join(project_toml(f"with-{count}", _steps(count, {1: SUMMARY})) for count in COUNTS)
    configuration += project_toml("drawn", _steps(25, {1: PICTURE, 15: "echo no >&2; exit 3"}))
    configuration += project_toml("gated", _steps(25, {15: GATE}), cancel_grace="1s")
    configuration += project_toml("broken", _steps(25, {15: "echo no >&2; exit 3"}))
    configuration += project_toml("timed", {"count": "seq 1 50; sleep 1; seq 51 100; sleep 1; seq 101 150"})
    with served(tmp_path_factory.mktemp("works"), configuration) as started:
        yield started


@pytest.fixture
def works_api(works: ServedService) -> Iterator[Api]:
    api = Api(works.url)
    yield api
    api.cancel_all()
    api.close()


@pytest.fixture
def gate(works: ServedService) -> Iterator[Path]:
    gate = works.directory / "gate"
    gate.touch()
    yield gate
    gate.unlink(missing_ok=True)


def _names(page: Page) -> Locator:
    return page.locator(".gantt .row .name > span:nth-child(2)")


def _lines_in_view(page: Page, height: int) -> float:
    pane = page.locator(".log-pane").bounding_box()
    assert pane is not None
    return (min(height, pane["y"] + pane["height"]) - pane["y"]) / 20


@pytest.mark.parametrize("count", COUNTS)
def test_a_timeline_of_any_length_leaves_room_for_the_log(
    open_page: OpenPage, works: ServedService, works_api: Api, count: int
) -> None:
    page = open_page(f"/p/of-{count}/runs/{works_api.complete(f'of-{count}')}", url=works.url)

    for width, height, rows, lines in ((1440, 900, 9, 12), (1280, 720, 5, 8)):
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator(".gantt .row")).to_have_count(min(count, rows))
        assert _lines_in_view(page, height) >= lines


def _show_results(page: Page, results: Locator) -> None:
    """They wait for a click if they came late."""
    late = page.get_by_role("button", name=re.compile("^Show (summary|pictures)$"))
    expect(results.or_(late)).to_have_count(1)
    if late.is_visible():
        late.click()
    expect(results).to_be_visible()


@pytest.mark.parametrize("count", COUNTS)
def test_a_summary_leaves_room_for_the_log_until_all_of_it_is_shown(
    open_page: OpenPage, works: ServedService, works_api: Api, count: int
) -> None:
    page = open_page(f"/p/with-{count}/runs/{works_api.complete(f'with-{count}')}", url=works.url)
    summary = page.get_by_role("region", name="Summary")
    _show_results(page, summary)

    for width, height, rows, lines in ((1440, 900, 5, 12), (1280, 720, 4, 8)):
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator(".gantt .row")).to_have_count(min(count, rows))
        assert _lines_in_view(page, height) >= lines
    summary.get_by_role("button", name="Show all").click()
    expect(summary.get_by_role("button", name="Show less")).to_be_visible()
    assert summary.evaluate("summary => summary.offsetHeight") > 40 * 20


@pytest.mark.parametrize(("width", "height", "lines"), [(1440, 900, 12), (1280, 720, 8)])
def test_a_failed_run_with_pictures_leaves_room_for_its_log(
    open_page: OpenPage, works: ServedService, works_api: Api, width: int, height: int, lines: int
) -> None:
    page = open_page(f"/p/drawn/runs/{works_api.complete('drawn')}", url=works.url)
    page.set_viewport_size({"width": width, "height": height})
    _show_results(page, page.get_by_role("region", name="Pictures"))

    expect(page.locator(".gantt").get_by_role("button", name=re.compile("step-015 ?, failed"))).to_be_visible()
    assert _lines_in_view(page, height) >= lines


@pytest.mark.parametrize(("width", "height", "lines"), [(1440, 900, 12), (1280, 720, 8)])
def test_a_failed_run_of_many_steps_shows_its_failed_step_and_its_log(
    open_page: OpenPage, works: ServedService, works_api: Api, width: int, height: int, lines: int
) -> None:
    page = open_page(f"/p/broken/runs/{works_api.complete('broken')}", url=works.url)
    page.set_viewport_size({"width": width, "height": height})
    expect(page.locator(".failure .reason")).to_be_visible()

    expect(page.locator(".gantt").get_by_role("button", name=re.compile("step-015 ?, failed"))).to_be_visible()
    assert _lines_in_view(page, height) >= lines


def test_steps_before_and_after_the_current_one_are_folded(
    open_page: OpenPage, works: ServedService, works_api: Api, gate: Path
) -> None:
    gate.unlink()
    works_api.complete("gated")
    gate.touch()
    run_id = works_api.start("gated")
    works_api.wait_until(lambda: works_api.run(run_id)["current_step"] == "step-015")
    page = open_page(f"/p/gated/runs/{run_id}", url=works.url)

    shown = [f"step-{number:03}" for number in range(12, 19)]
    expect(_names(page)).to_have_text([re.compile("^11 steps, completed"), *shown, re.compile("^7 steps.*, usually")])
    assert violations_everywhere(page, [DESKTOP, PHONE]) == {}
    before = page.get_by_role("button", name="11 steps")
    before.click()
    expect(before).to_have_attribute("aria-expanded", "true")
    expect(_names(page)).to_have_count(9 + 11)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator(".log-pane")).to_contain_text("step-001 completed")
    expect(page.locator(".log-pane")).not_to_contain_text("step-002 started")
    before.click()
    expect(before).to_have_attribute("aria-expanded", "true")


def test_the_rows_stay_while_the_pointer_is_among_them(
    open_page: OpenPage, works: ServedService, works_api: Api, gate: Path
) -> None:
    run_id = works_api.start("gated")
    works_api.wait_until(lambda: works_api.run(run_id)["current_step"] == "step-015")
    page = open_page(f"/p/gated/runs/{run_id}", url=works.url)
    expect(_names(page).nth(4)).to_have_text("step-015")

    _names(page).nth(4).hover()
    gate.unlink()
    expect(page.locator("header .badge")).to_have_text("completed")
    expect(_names(page).nth(4)).to_have_text("step-015")
    page.mouse.move(0, 0)

    expect(_names(page)).to_have_count(9)


def _share_before(api: Api, run_id: int, message: str) -> float:
    """Where the pause before this line is in the bar of its step, however long the step has taken."""
    (step,) = api.run(run_id)["steps"]
    records = [record for record in api.log(run_id, limit=1000) if record["step"] == step["name"]]
    line = next(index for index, record in enumerate(records) if record["message"] == message)
    earlier, later, started, finished = map(
        datetime.fromisoformat,
        (records[line - 1]["time"], records[line]["time"], step["started_at"], step["finished_at"]),
    )
    return (earlier + (later - earlier) / 2 - started) / (finished - started)


def test_a_click_in_the_timeline_goes_to_its_time_in_the_log(
    open_page: OpenPage, works: ServedService, works_api: Api
) -> None:
    run_id = works_api.complete("timed")
    page = open_page(f"/p/timed/runs/{run_id}", url=works.url)
    track = page.locator(".gantt .track")
    bar = track.locator(".bar").bounding_box()
    assert bar is not None
    middle = bar["x"] + _share_before(works_api, run_id, "101") * bar["width"], bar["y"] + bar["height"] / 2

    page.mouse.move(*middle)
    expect(page.locator(".gantt .hair")).to_be_visible()
    expect(page.locator(".gantt .head b")).to_have_text(re.compile(r"^\d+\.\d\ss · \d\d:\d\d:\d\d$"))
    page.mouse.click(*middle)

    expect(page.locator(".log-pane .row.current .text")).to_have_text("101")
    assert "step=count" in page.url
    expect(page.locator(".gantt .sight")).to_be_visible()
    page.mouse.move(0, 0)
    expect(page.locator(".gantt .hair")).to_have_count(0)


def test_a_click_on_the_name_of_a_step_shows_its_log(open_page: OpenPage, works: ServedService, works_api: Api) -> None:
    page = open_page(f"/p/of-6/runs/{works_api.complete('of-6')}", url=works.url)
    name = _names(page).nth(2)

    name.click()
    expect(page).to_have_url(re.compile("step=step-003"))
    name.click()

    expect(page).not_to_have_url(re.compile("step="))


def test_the_band_shows_where_the_log_is(open_page: OpenPage, works: ServedService, works_api: Api) -> None:
    page = open_page(f"/p/timed/runs/{works_api.complete('timed')}", url=works.url)
    band = page.locator(".gantt .sight")
    expect(page.locator(".log-pane")).to_contain_text("count started")
    first = band.bounding_box()

    page.locator(".log-pane").press("End")
    expect(page.locator(".log-pane")).to_contain_text("count completed")

    last = band.bounding_box()
    assert first is not None
    assert last is not None
    assert last["x"] > first["x"] + 100


@pytest.mark.parametrize("width", [320, 390, 721, 768, 1024, 1440])
def test_the_times_never_touch(
    open_page: OpenPage, new_context: NewContext, works: ServedService, works_api: Api, width: int
) -> None:
    context = new_context(viewport={"width": width, "height": 844})
    page = open_page(f"/p/timed/runs/{works_api.complete('timed')}", within=context, url=works.url)
    ticks = page.locator(".gantt .ticks i >> visible=true")
    expect(ticks.first).to_be_visible()

    # The longest that there is.
    longest = "ticks => ticks.slice(1).forEach(tick => tick.textContent = '12 min 30 s')"
    page.locator(".gantt .ticks i").evaluate_all(longest)
    boxes = sorted((box["x"], box["width"]) for box in (tick.bounding_box() for tick in ticks.all()) if box)

    assert len(boxes) >= 2
    assert all(x + width + 4 <= after for (x, width), (after, _) in pairwise(boxes))


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"media": "print"}], ids=["forced colours", "print"])
def test_each_state_has_a_shape_of_its_own(
    open_page: OpenPage, works: ServedService, works_api: Api, media: dict[str, Any]
) -> None:
    page = open_page(f"/p/of-1/runs/{works_api.complete('of-1')}", url=works.url)
    bar = page.locator(".gantt .bar")
    expect(bar).to_have_class(re.compile("completed"))

    page.emulate_media(**media)
    shapes = {state: bar.evaluate(SHAPE, state) for state in STATES}

    assert len(set(map(str, shapes.values()))) == len(STATES), shapes


def test_a_skipped_step_differs_from_one_to_come(
    open_page: OpenPage, works: ServedService, works_api: Api, gate: Path
) -> None:
    run_id = works_api.start("gated")
    works_api.wait_until(lambda: works_api.run(run_id)["current_step"] == "step-015")
    page = open_page(f"/p/gated/runs/{run_id}", url=works.url)
    next_step = page.locator(".gantt .row.pending .track").first
    expect(next_step).to_have_text("")

    works_api.cancel(run_id)

    expect(page.locator(".gantt .row.skipped .track").first).to_have_text("skipped")


def test_no_row_of_the_head_is_empty_on_a_phone(
    open_page: OpenPage, new_context: NewContext, works: ServedService, works_api: Api
) -> None:
    context = new_context(viewport=PHONE)
    path = f"/p/of-1/runs/{works_api.complete('of-1')}"
    page = open_page(path, within=context, url=works.url)
    title, ticks = page.locator(".gantt .head .step"), page.locator(".gantt .head .ticks")
    expect(ticks).to_be_visible()

    above, below = title.bounding_box(), ticks.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"] + 1
