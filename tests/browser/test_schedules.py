"""The page of the schedules: what ran in the last day, what is due in the next one, and pauses."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import expect

from solorun.schedule import Firing, FiringOutcome
from solorun.stores.sqlite import SqliteRunStore
from tests.browser.axe import PHONE
from tests.browser.conftest import NewContext, OpenPage
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import served

TOML = (
    project_toml("etl", {"load": "true"})
    + '[[projects.etl.schedules]]\nname = "leap"\ncron = "0 0 29 2 *"\nlate = "07:00"\n'
    + '[[projects.etl.schedules]]\nname = "off"\ncron = "0 * * * *"\nenabled = false\n'
    + project_toml("report", {"load": "true"})
    + '[[projects.report.schedules]]\ncron = "59 23 * * *"\n'
)


async def record_firings(data_dir: Path) -> None:
    """What became of two due times before the service starts."""
    store = await SqliteRunStore.open(data_dir)
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    refused = Firing("etl.leap", "etl", now - 6 * hour, now, FiringOutcome.REFUSED, reason="the disk is full")
    await store.record_firing(refused)
    await store.record_firing(Firing("etl.leap", "etl", now - 3 * hour, now, FiringOutcome.SKIPPED))
    await store.close()


def test_the_page_shows_the_last_day_and_the_next_one_and_pauses_schedules(open_page: OpenPage, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as threads:
        threads.submit(asyncio.run, record_firings(tmp_path / ".solorun")).result()
    with served(tmp_path, TOML) as service:
        page = open_page("/", url=service.url)
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Schedules").click()

        past = page.get_by_role("region", name="Last 24 hours")
        expect(past).to_contain_text("2 due times: 1 problem.")
        expect(past.get_by_role("listitem")).to_have_text(re.compile(r"^etl\.leap .* refused: the disk is full$"))
        expect(past.locator("a.mark")).to_have_count(2)
        coming = page.get_by_role("region", name="Next 24 hours")
        expect(coming.locator("a.mark")).to_have_count(1)
        expect(page.get_by_role("listitem").filter(has_text="etl.off")).to_contain_text("Disabled in solorun.toml")

        page.get_by_role("button", name="Pause report").click()
        page.get_by_role("textbox", name="Reason").fill("holidays")
        page.keyboard.press("Enter")

        report = page.get_by_role("listitem").filter(has_text="59 23 * * *")
        expect(report).to_contain_text(re.compile(r"Paused by dashboard .*: holidays"))
        expect(coming).to_contain_text("Nothing is due. A schedule is paused.")
        report.get_by_role("link", name="report").click()
        planned = page.get_by_role("region", name="Schedules")
        planned.get_by_role("button", name="Resume report").click()
        expect(planned).to_contain_text("Next")


def test_the_hours_of_a_phone_do_not_collide(open_page: OpenPage, new_context: NewContext, tmp_path: Path) -> None:
    toml = project_toml("etl", {"load": "true"}) + '[[projects.etl.schedules]]\ncron = "30 */3 * * *"\n'
    with served(tmp_path, toml) as service:
        context = new_context(viewport=PHONE, locale="en-US")
        page = open_page("/schedules", within=context, url=service.url)
        labels = page.get_by_role("region", name="Next 24 hours").locator(".hours span:visible")
        expect(labels.first).to_be_visible()

        edges = labels.evaluate_all(
            "labels => labels.map(label => label.getBoundingClientRect()).map(({left, right}) => [left, right])"
        )

    assert len(edges) >= 3
    assert all(right + 6 < left for (_, right), (left, _) in pairwise(edges)), edges


def test_without_schedules_the_page_says_how_to_declare_one(open_page: OpenPage, tmp_path: Path) -> None:
    with served(tmp_path, project_toml("plain", {"work": "true"})) as service:
        page = open_page("/schedules", url=service.url)

        expect(page.get_by_role("main")).to_contain_text("No schedules. Declare one in solorun.toml")
        expect(page.get_by_role("main")).to_contain_text("[[projects.etl.schedules]]")


def test_a_schedule_runs_now_and_says_what_is_possible_in_a_conflict(open_page: OpenPage, tmp_path: Path) -> None:
    toml = project_toml("etl", {"load": "sleep 600"}) + (
        '[[projects.etl.schedules]]\ncron = "0 0 29 2 *"\non_conflict = "reject"\nenabled = false\n'
    )
    with served(tmp_path, toml) as service:
        page = open_page("/schedules", url=service.url)
        page.get_by_role("button", name="Run now: etl").click()
        expect(page).to_have_url(re.compile(r"/p/etl/runs/1$"))
        page.go_back()
        past = page.get_by_role("region", name="Last 24 hours")
        expect(past).to_contain_text("1 manual run: no problems.")
        expect(past.locator("a.mark")).to_have_attribute("title", re.compile("running, manual"))

        page.get_by_role("button", name="Run now: etl").click()

        choices = page.get_by_role("region", name="Choices")
        expect(choices).to_contain_text("etl has an active run: 1")
        choices.get_by_role("button", name="Queue").click()
        expect(page.get_by_role("tabpanel")).to_contain_text("Number 1 in the queue")
