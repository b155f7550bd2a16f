"""The processes that execute runs, over HTTP: the service itself, or those that share its database."""

from collections.abc import Iterator
from typing import Any

import pytest

from solorun.stores.postgres.lease import PostgresLease
from solorun.worker import Worker
from tests.fakes.application import OpenServed, Served
from tests.fakes.project_toml import project_toml

TOML = project_toml("deploy", {"deploy": ["true"]}) + project_toml("train", {"train": ["true"]}, worker="gpu")
WORKERS = "/api/v1/workers"


@pytest.fixture
def red(database_url: str) -> Iterator[PostgresLease]:
    """The lease of a worker on another host, which lets the test execute its runs."""
    lease = PostgresLease(database_url, Worker("red-1", "red", ("eu", "gpu"), 4))
    yield lease
    lease.end()


async def get(served: Served) -> dict[str, Any]:
    answer = await served.client.get(WORKERS)
    assert answer.status_code == 200, answer.text
    listed: dict[str, Any] = answer.json()
    return listed


async def test_a_service_with_its_own_database_is_the_only_worker(open_served: OpenServed) -> None:
    async with open_served(toml=TOML) as served:
        run = await served.start("train")
        listed = await get(served)
        me = served.service.worker.id
        drained = await served.client.post(f"{WORKERS}/{me}/drain")
        unknown = await served.client.post(f"{WORKERS}/red-1/drain")

    (worker,) = listed["workers"]
    assert (listed["shares_database"], listed["waiting"]) == (False, [])
    assert (worker["id"], worker["state"], worker["runs"]) == (me, "active", [run["id"]])
    assert (worker["labels"], worker["capacity"]) == (None, None)
    assert worker["started_at"] <= worker["last_seen"]
    assert (drained.status_code, drained.json()["type"]) == (409, "/problems/worker-not-drainable")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/worker-not-found")
    assert unknown.json()["detail"] == 'There is no worker "red-1".'


async def test_a_run_that_no_worker_has_begun_is_listed_as_waiting(
    open_served: OpenServed, database_url: str, red: PostgresLease
) -> None:
    async with open_served(toml=TOML, database_url=database_url) as served:
        run = await served.start("train")
        await served.until(lambda: served.service.hub.find(run["id"]) is not None)
        before = await get(served)
        red.renew()
        await served.service.store.claim_runs(owner="red-1", labels=("eu", "gpu"))
        await served.until(lambda: all(run.worker for run in served.service.manager.list_active_runs()))
        after = await get(served)
        me = served.service.worker.id

    assert [worker["id"] for worker in before["workers"]] == [me]
    assert [(waiting["id"], waiting["labels"]) for waiting in before["waiting"]] == [(run["id"], ["gpu"])]
    assert {worker["id"]: worker["runs"] for worker in after["workers"]} == {me: [], "red-1": [run["id"]]}
    assert (after["shares_database"], after["waiting"]) == (True, [])


async def test_a_worker_is_drained(open_served: OpenServed, database_url: str, red: PostgresLease) -> None:
    async with open_served(toml=TOML, database_url=database_url, execute_runs=False) as served:
        red.renew()
        answers = [await served.client.post(f"{WORKERS}/red-1/drain") for _ in range(2)]
        listed = await get(served)
        itself = await served.client.post(f"{WORKERS}/{served.service.worker.id}/drain")

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() | {"state": "draining"} == answers[0].json()
    assert [(worker["id"], worker["state"]) for worker in listed["workers"]] == [("red-1", "draining")]
    assert red.renew().is_draining
    assert itself.status_code == 404, "it executes no runs"


async def test_a_start_says_whether_a_worker_has_its_labels(
    open_served: OpenServed, database_url: str, red: PostgresLease
) -> None:
    async with open_served(toml=TOML, database_url=database_url) as served:
        without = await served.start("train")
        await served.client.post(f"/api/v1/runs/{without['id']}/cancel")
        red.renew()
        with_one = await served.start("train")
        await served.client.post(f"/api/v1/runs/{with_one['id']}/cancel")
        await served.client.post(f"{WORKERS}/red-1/drain")
        draining = await served.start("train")
        here = await served.start("deploy")

    assert [run["worker_missing"] for run in (without, with_one, draining, here)] == [True, False, True, False]
    assert [run["worker"] is None for run in (draining, here)] == [True, False]


async def test_the_metrics_count_workers_and_how_long_a_run_has_waited_for_one(
    open_served: OpenServed, database_url: str, red: PostgresLease
) -> None:
    async with open_served(toml=TOML, database_url=database_url) as served:
        red.renew()
        mirror = served.service.mirror
        assert mirror is not None
        left = await served.start("train")
        await served.start("deploy")
        await served.until(lambda: mirror.oldest_wait_seconds() > 0)
        before = (await served.client.get("/metrics")).text
        await served.service.store.claim_runs(owner="red-1", labels=("eu", "gpu"))
        await served.until(lambda: mirror.oldest_wait_seconds() == 0)
        after = (await served.client.get("/metrics")).text
        await served.client.post(f"/api/v1/runs/{left['id']}/cancel")

    assert 'solorun_workers{state="active"} 2.0' in before
    assert "solorun_worker_runs 1.0" in before
    assert "solorun_worker_capacity 4.0" in before
    assert "solorun_oldest_unclaimed_run_seconds 0.0\n" not in before
    assert "solorun_worker_runs 2.0" in after
    assert "solorun_oldest_unclaimed_run_seconds 0.0\n" in after
    assert active_runs(before) == active_runs(after) == 1, "those that this service executes"


def active_runs(metrics: str) -> float:
    return sum(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith("solorun_active_runs{"))
