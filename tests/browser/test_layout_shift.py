"""How little pages move while they load, however late the service answers, and while the reader watches them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.axe import DESKTOP, PHONE
from tests.browser.conftest import NewContext, OpenPage
from tests.browser.held import HoldAll
from tests.browser.pages import PATHS, complete_runs
from tests.browser.projects import Api
from tests.browser.shifts import COUNT_SHIFTS, QUIET, counts_shifts, forget_shifts
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

pytestmark = counts_shifts

LIMIT = 0.05
ANSWERS = re.compile(r"/api/v1/(?!events)")
"""Not the stream, which never ends."""
CARDS = "localStorage.setItem('solorun.preferences', JSON.stringify({layout: 'cards'}))"
UNENDED = {
    "running": "/p/paced-shift/runs/{running}",
    "running log": "/p/paced-shift/runs/{running}?tab=log",
    "queued": "/p/line-shift/runs/{queued}",
    "waiting": "/p/patient/runs/{waiting}",
    "cancelled": "/p/ticker/runs/{cancelled}",
    "timed out": "/p/limited/runs/{late}",
    "active project": "/p/line-shift",
}
at_each_size = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
SEVERAL_ANSWERS = ["overview", "project", "runs", "schedules", "failed", "artifacts", "summary", "compare", *UNENDED]
"""The pages that are also tried with answers that come late, one after the other."""


@pytest.fixture(scope="module")
def runs(service: ServedService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Runs of each kind, and some that go on until the end of this module."""
    gates = tmp_path_factory.mktemp("gates")
    params = {"gates": str(gates), "shares": "40"}
    api = Api(service.url)
    runs = complete_runs(api)
    runs["cancelled"] = api.start("ticker")
    api.cancel(runs["cancelled"])
    runs["late"] = api.complete("limited")
    runs["running"] = api.start("paced-shift", params=params)
    api.start("line-shift", params=params)
    runs["queued"] = api.start("line-shift", params=params)
    runs["waiting"] = api.start("patient")
    yield runs
    (gates / "40").touch()
    api.cancel_all()
    api.close()


def _find_shifts(
    open_page: OpenPage, new_context: NewContext, path: str, size: ViewportSize, is_late: bool, **options: str
) -> list[list[object]]:
    """Open a page until nothing more comes. If the answers are late, it shows each before the next one comes."""
    context = new_context(viewport=size)
    context.add_init_script(COUNT_SHIFTS)
    context.add_init_script(options.pop("script", ""))
    held = HoldAll(context, ANSWERS) if is_late else None
    page = open_page(path, within=context, **options)
    shifts: list[list[object]] = page.evaluate(QUIET)
    while held and held.release_oldest():
        page.evaluate(QUIET, 8)
        if not held.requests:
            shifts = page.evaluate(QUIET)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    return shifts


def _sum(shifts: list[list[object]]) -> float:
    return sum(float(str(value)) for value, *_ in shifts)


@pytest.mark.parametrize(
    ("name", "size", "is_late"),
    [
        *((name, PHONE, False) for name in PATHS | UNENDED),
        *((name, DESKTOP, True) for name in SEVERAL_ANSWERS),
    ],
)
def test_a_page_does_not_move_while_it_loads(
    open_page: OpenPage, new_context: NewContext, runs: dict[str, int], name: str, size: ViewportSize, is_late: bool
) -> None:
    path = (PATHS | UNENDED)[name].format(**runs)
    script = CARDS if name == "cards" else ""

    shifts = _find_shifts(open_page, new_context, path, size, is_late, script=script)

    assert _sum(shifts) <= LIMIT, shifts


@pytest.mark.parametrize(("size", "is_late"), [(PHONE, False), (DESKTOP, True)])
def test_the_first_visit_does_not_move_while_it_loads(
    open_page: OpenPage, new_context: NewContext, tmp_path: Path, size: ViewportSize, is_late: bool
) -> None:
    with served(tmp_path, project_toml("handbook", {"collect": "true", "print": "true"})) as new:
        shifts = _find_shifts(open_page, new_context, "/", size, is_late, url=new.url)

        assert _sum(shifts) <= LIMIT, shifts


@at_each_size
def test_a_run_that_fails_does_not_move_what_the_reader_looks_at(
    open_page: OpenPage, new_context: NewContext, tmp_path: Path, size: ViewportSize
) -> None:
    gate = tmp_path / "gate"
    wait = f"echo begun; while [ ! -e '{gate}' ]; do sleep 0.05; done; echo 'error: it broke' >&2; exit 3"
    with served(tmp_path, project_toml("bridge", {"build": wait, "open": "true"})) as service:
        api = Api(service.url)
        run_id = api.start("bridge")
        context = new_context(viewport=size)
        context.add_init_script(COUNT_SHIFTS)
        page = open_page(f"/p/bridge/runs/{run_id}", within=context, url=service.url)
        expect(page.locator(".log-pane")).to_contain_text("begun")
        forget_shifts(page)

        gate.touch()
        expect(page.locator("header .badge")).to_have_text("failed")
        expect(page.locator(".log-pane")).to_contain_text("it broke")
        shifts = page.evaluate(QUIET)

        assert _sum(shifts) <= LIMIT, shifts
        page.get_by_role("button", name="Show why build failed").click()
        expect(page.locator(".failure")).to_contain_text("it broke")
        api.close()


def _watch(open_page: OpenPage, new_context: NewContext, path: str, size: ViewportSize, url: str) -> Page:
    """A page that has loaded, and counts what moves from now on."""
    context = new_context(viewport=size)
    context.add_init_script(COUNT_SHIFTS)
    page = open_page(path, within=context, url=url)
    expect(page.locator(".gantt")).to_be_visible()
    page.evaluate(QUIET)
    page.evaluate("shifts.length = 0")
    return page


@at_each_size
def test_a_cancel_by_another_person_does_not_move_what_the_reader_looks_at(
    open_page: OpenPage, new_context: NewContext, service: ServedService, api: Api, tmp_path: Path, size: ViewportSize
) -> None:
    run_id = api.start("paced-moves", params={"gates": str(tmp_path), "shares": "40"})
    api.wait_until(lambda: api.run(run_id)["progress_current"] == 40)
    page = _watch(open_page, new_context, f"/p/paced-moves/runs/{run_id}", size, service.url)

    api.request_cancel(run_id)
    news = page.get_by_role("status").filter(has_text="Cancelled through the API.")
    expect(news).to_contain_text(re.compile(r"Step work has \d+\ss left of its grace period"))
    page.evaluate(QUIET, 8)
    news.get_by_role("button", name="Kill it now").click()
    expect(page.locator("header .badge")).to_have_text("cancelled")
    expect(page.get_by_role("status").filter(has_text="Cancelled through the API in")).to_be_visible()
    shifts = page.evaluate(QUIET)

    assert _sum(shifts) <= LIMIT, shifts
    page.get_by_role("button", name="Details").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("Step work was killed")
    expect(page.get_by_role("button", name="Details")).to_have_count(0)


@at_each_size
def test_the_turn_of_a_queued_run_does_not_move_what_the_reader_looks_at(
    open_page: OpenPage, new_context: NewContext, service: ServedService, api: Api, tmp_path: Path, size: ViewportSize
) -> None:
    api.start("line-moves", params={"gates": str(tmp_path), "shares": "40"})
    run_id = api.start("line-moves", params={"gates": str(tmp_path), "shares": "41"})
    page = _watch(open_page, new_context, f"/p/line-moves/runs/{run_id}", size, service.url)

    (tmp_path / "40").touch()
    expect(page.locator("header .badge")).to_have_text("running")
    expect(page.get_by_role("tabpanel").get_by_role("status")).to_have_text("It has begun.")
    shifts = page.evaluate(QUIET, 8)

    (tmp_path / "41").touch()
    assert _sum(shifts) <= LIMIT, shifts


def test_an_interruption_does_not_move_what_the_reader_looks_at(
    open_page: OpenPage, new_context: NewContext, tmp_path: Path
) -> None:
    with served(tmp_path, project_toml("bridge", {"build": "echo begun; exec sleep 600"})) as service:
        api = Api(service.url)
        run_id = api.start("bridge")
        page = _watch(open_page, new_context, f"/p/bridge/runs/{run_id}", DESKTOP, service.url)
        expect(page.locator(".log-pane")).to_contain_text("begun")

        service.kill()
        service.start()
        expect(page.locator("header .badge")).to_have_text("interrupted")
        expect(page.get_by_role("main").get_by_role("alert")).to_have_count(0)
        place = page.locator(".gantt").bounding_box()
        page.evaluate(QUIET)

        assert page.locator(".gantt").bounding_box() == place
        expect(page.locator(".failure")).to_have_count(0)
        page.get_by_role("button", name="Show why build was interrupted").click()
        excerpt = page.locator(".failure pre")
        expect(excerpt).to_contain_text("begun")
        # That is said above it.
        expect(excerpt).not_to_contain_text("stopped while the run was active")
        api.close()
