"""The page of the workers, and what the page of a run says about its worker."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import expect

from solorun.dashboard.assets import STATIC_DIRECTORY
from solorun.stores.postgres.lease import PostgresLease
from solorun.worker import Worker
from tests.browser.axe import DESKTOP, violations_everywhere
from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

RED = Worker("red-0123456789abcdef", "red", ("eu", "gpu"), 2)
PROJECTS = "".join(project_toml(name, {"work": "true"}, worker="gpu") for name in ("train", "tune", "render"))


@dataclass
class Cluster:
    """A service that executes no runs, and a worker that only says that it does."""

    service: ServedService
    api: Api
    lease: PostgresLease
    execute: Callable[[str], object]
    """Execute a statement in the database."""

    def claim(self, run_id: int) -> None:
        self.execute(f"UPDATE runs SET owner = '{RED.id}' WHERE id = {run_id}")


@pytest.fixture
def cluster(tmp_path: Path, database_url: str) -> Iterator[Cluster]:
    if not (STATIC_DIRECTORY / "index.html").exists():
        pytest.skip("the dashboard is not built: run `npm ci && npm run build` in app/dashboard")
    lease = PostgresLease(database_url, RED, seconds=3600)
    with served(tmp_path, PROJECTS, SOLORUN_DATABASE_URL=database_url, SOLORUN_EXECUTE_RUNS="false") as service:
        api = Api(service.url)
        with psycopg.connect(database_url, autocommit=True) as connection:
            yield Cluster(service, api, lease, connection.execute)
        api.close()
        lease.end()


def test_the_page_shows_what_each_worker_executes_and_drains_one(open_page: OpenPage, cluster: Cluster) -> None:
    page = open_page("/", url=cluster.service.url)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Workers").click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("No workers. Start one on any host")
    waiting = [cluster.api.start("train"), cluster.api.start("tune")]
    listed = page.get_by_role("region", name="Waiting for a worker").get_by_role("listitem")
    expect(listed).to_have_text([re.compile(rf"^#{run_id} t\w+ needs the label gpu") for run_id in waiting])

    cluster.lease.renew()
    cluster.claim(waiting[0])
    red = page.get_by_role("region", name="red")

    expect(red).to_contain_text("1 of 2 runs · eu, gpu")
    expect(red.locator("tbody").get_by_role("row")).to_have_text(re.compile(rf"^\s*#{waiting[0]}\s*train"))
    expect(listed).to_have_count(1)
    assert violations_everywhere(page, [DESKTOP, {"width": 320, "height": 844}]) == {}
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.set_viewport_size(DESKTOP)
    red.get_by_role("button", name=f"Drain {RED.id}").click()
    expect(red.get_by_role("button", name=f"Drain {RED.id}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(red.get_by_role("heading")).to_have_text(re.compile(r"^red\s+draining$"))
    expect(red.get_by_role("button")).to_have_count(0)
    assert cluster.lease.renew().is_draining
    cluster.execute("UPDATE owners SET lease_until = clock_timestamp()")
    page.reload()
    expect(red.get_by_role("heading")).to_have_text(re.compile(r"^red\s+lost$"))


def test_a_run_says_why_it_waits_for_a_worker_and_which_one_executes_it(open_page: OpenPage, cluster: Cluster) -> None:
    run_id = cluster.api.start("render")
    page = open_page(f"/p/render/runs/{run_id}", url=cluster.service.url)
    notice = page.get_by_role("tabpanel").get_by_role("status").first
    expect(notice).to_contain_text("Waits for a worker with the label gpu; none is connected.")
    refusals = f'[{{"worker": "{RED.id}", "refused_at": "2026-11-23T09:00:12Z", "reason": "red declares other steps"}}]'
    cluster.execute(f"UPDATE runs SET refusals = '{refusals}' WHERE id = {run_id}")
    expect(notice).to_contain_text(re.compile(r"red refused it at .*:\s+red declares other steps"))
    assert violations_everywhere(page, [DESKTOP]) == {}

    cluster.lease.renew()
    cluster.claim(run_id)

    expect(page.locator("header .facts")).to_contain_text(re.compile(r"· on\s+red"))
    expect(page.get_by_text("Waits for a worker")).to_have_count(0)
    page.locator("header .facts").get_by_role("link", name="red").click()
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()


@pytest.mark.parametrize(
    ("step", "silence"),
    [("'work'", "red has not stopped step work yet."), ("NULL", "red has not ended the run yet.")],
)
def test_a_cancelled_run_says_that_its_worker_does_not_respond(
    open_page: OpenPage, cluster: Cluster, step: str, silence: str
) -> None:
    run_id = cluster.api.start("tune")
    cluster.lease.renew()
    cluster.claim(run_id)
    cluster.execute(
        f"UPDATE runs SET status = 'running', current_step = {step}, cancel_requested_by = 'ada', cancel_reason = '',"
        f" cancel_requested_at = created_at - 60000000 WHERE id = {run_id}"
    )
    silence += " If it stays silent, the run is recorded as interrupted."

    page = open_page(f"/p/tune/runs/{run_id}", url=cluster.service.url)
    expect(page.get_by_role("tabpanel").get_by_role("status").first).to_contain_text(silence)
    page.goto(cluster.service.url)

    expect(page.get_by_role("article", name="tune")).to_contain_text(silence)


def test_a_service_that_is_alone_is_listed_but_has_no_link_to_the_page(open_page: OpenPage, api: Api) -> None:
    page = open_page("/workers")

    expect(page.get_by_role("main").get_by_role("region")).to_contain_text("all labels")
    expect(page.get_by_role("button", name=re.compile("^Drain"))).to_have_count(0)
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Workers")).to_have_count(0)
