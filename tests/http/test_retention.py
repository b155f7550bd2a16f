"""Pinning runs, pruning, and reading a run that is deleted meanwhile."""

import anyio
import pytest

from solorun.errors import RunNotFound
from solorun.run import Run
from tests.fakes.application import OpenServed, Served
from tests.fakes.project_toml import project_toml

LIMITED = project_toml("deploy", {"deploy": ["true"]}) + "[defaults]\nkeep = { runs = 1 }\n"


async def complete(served: Served, count: int, *, lines: int = 3) -> list[Run]:
    return [await served.complete(lines=["x" * 100] * lines) for _ in range(count)]


async def expire(served: Served, run: Run) -> None:
    assert await served.service.store.expire_runs([run.id], at=served.service.started_at) == [run.id]


async def test_a_run_is_pinned_and_unpinned(open_served: OpenServed) -> None:
    async with open_served() as served:
        [run] = await complete(served, 1)
        path = f"/api/v1/runs/{run.id}"

        pinned = await served.client.post(f"{path}/pin")
        assert (pinned.status_code, pinned.json()["pinned"]) == (200, True)
        assert (await served.client.get(path)).json() == pinned.json()
        again = await served.client.post(f"{path}/pin")
        assert again.json() == pinned.json()

        unpinned = await served.client.delete(f"{path}/pin")
        assert (unpinned.status_code, unpinned.json()) == (200, {**pinned.json(), "pinned": False})


async def test_the_stream_of_all_runs_shows_that_an_active_run_was_pinned(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()

        with served.service.hub.open_feed() as feed:
            pinned = (await served.client.post(f"/api/v1/runs/{run_id}/pin")).json()
            [changed] = await feed.changes()

        assert (changed.id, changed.pinned, pinned["pinned"], pinned["status"]) == (run_id, True, True, "running")
        step.end()
        assert (await served.end_of(run_id)).pinned
        assert (await served.service.store.get_run(run_id)).pinned


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("run_id", ["0", "4711", "99999999999999999999", "x"])
async def test_an_unknown_run_cannot_be_pinned(open_served: OpenServed, method: str, run_id: str) -> None:
    async with open_served() as served:
        response = await served.client.request(method, f"/api/v1/runs/{run_id}/pin")

        assert (response.status_code, response.json()["type"]) == (404, "/problems/run-not-found")


async def test_a_dry_run_reports_and_a_prune_deletes_what_projects_no_longer_keep(open_served: OpenServed) -> None:
    async with open_served(toml=LIMITED) as served:
        runs = await complete(served, 3)

        dry = await served.client.post("/api/v1/prune", params={"dry_run": "true", "project": "deploy"})
        report = dry.json()
        assert (dry.status_code, report["dry_run"], report["runs"]) == (200, True, 2)
        assert report["projects"] == [{"project": "deploy", "runs": 2, "size_bytes": report["size_bytes"]}]
        assert report["size_bytes"] > 0
        assert len((await served.client.get("/api/v1/runs")).json()["runs"]) == 3

        started = await served.client.post("/api/v1/prune")
        assert (started.status_code, started.json()) == (202, {**report, "dry_run": False})
        with anyio.fail_after(60):
            while (await served.client.get(f"/api/v1/runs/{runs[1].id}")).status_code != 404:
                await anyio.sleep(0.001)
        assert (await served.client.get(f"/api/v1/runs/{runs[2].id}")).status_code == 200


async def test_pruning_an_unknown_project_is_not_found(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.post("/api/v1/prune", params={"project": "nowhere"})

        assert (response.status_code, response.json()["type"]) == (404, "/problems/project-not-found")


@pytest.mark.parametrize("query", [{"dry_run": "maybe"}, {"projekt": "deploy"}, {"project": ["a", "b"]}])
async def test_an_invalid_query_deletes_nothing(open_served: OpenServed, query: dict[str, str]) -> None:
    async with open_served(toml=LIMITED) as served:
        response = await served.client.post("/api/v1/prune", params=query)

        assert response.status_code == 422


@pytest.mark.parametrize(
    "path",
    ["", "/log", "/log?q=x", "/log?step=deploy", "/log.txt", "/log.ndjson", "/events", "/artifacts", "/artifacts.zip"],
)
async def test_an_expired_run_is_not_found(open_served: OpenServed, path: str) -> None:
    async with open_served() as served:
        [run] = await complete(served, 1)
        await expire(served, run)

        response = await served.client.get(f"/api/v1/runs/{run.id}{path}")

        assert (response.status_code, response.json()["type"]) == (404, "/problems/run-not-found")


async def test_a_rerun_names_a_run_that_was_deleted(open_served: OpenServed) -> None:
    async with open_served() as served:
        [run] = await complete(served, 1)
        rerun = (await served.client.post(f"/api/v1/runs/{run.id}/rerun")).json()
        (await served.executor.step("deploy")).end()
        await served.end_of(rerun["id"])
        await expire(served, run)

        assert (await served.client.get(f"/api/v1/runs/{rerun['id']}")).json()["rerun_of"] == run.id
        preview = await served.client.post(f"/api/v1/runs/{rerun['id']}/rerun", params={"preview": "true"})
        assert preview.status_code == 200
        gone = await served.client.post(f"/api/v1/runs/{run.id}/rerun")
        assert gone.status_code == 404


async def test_a_follower_of_a_run_that_expires_ends_without_a_gap(open_served: OpenServed) -> None:
    async with open_served() as served:
        [run] = await complete(served, 1, lines=5000)
        follow = served.service.tail.follow(run.id, page_records=1)
        first = await anext(follow)
        assert not isinstance(first, Run)

        await expire(served, run)

        with pytest.raises(RunNotFound):
            await anext(follow)
