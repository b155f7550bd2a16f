"""Repeating runs over HTTP, previews, and lists of reruns."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.application import TOML, OpenServed, Served
from tests.fakes.project_toml import project_toml


async def _fail(served: Served, **body: Any) -> int:
    """A run of handbook whose second step failed. Returns its id."""
    run = await served.start("handbook", **body)
    (await served.executor.step("extract")).end()
    (await served.executor.step("generate")).end("exit code 1", 1)
    await served.end_of(run["id"])
    return int(run["id"])


async def test_a_rerun_returns_201_with_the_run_and_its_address(open_served: OpenServed) -> None:
    async with open_served() as served:
        original = await _fail(served, params={"date": "monday"})

        response = await served.client.post(
            f"/api/v1/runs/{original}/rerun",
            json={"from": "failed", "triggered_by": "alice", "params": {"documents": "two"}},
        )

        run = response.json()
        assert response.status_code == 201
        assert response.headers["location"] == f"/api/v1/runs/{run['id']}"
        assert (run["rerun_of"], run["scope"], run["status"]) == (original, "from:generate", "pending")
        assert (run["triggered_by"], run["params"]) == ("alice", {"date": "monday", "documents": "two"})
        assert [step["name"] for step in run["steps"]] == ["generate"]
        assert run["configuration_faults"] == []


async def test_an_empty_body_repeats_the_whole_run(open_served: OpenServed) -> None:
    async with open_served() as served:
        original = await _fail(served, scope="from:extract")

        run = (await served.client.post(f"/api/v1/runs/{original}/rerun")).json()

        assert (run["rerun_of"], run["scope"], run["triggered_by"]) == (original, "from:extract", "api")


async def test_a_preview_returns_200_and_starts_nothing(open_served: OpenServed) -> None:
    async with open_served() as served:
        original = await _fail(served)

        response = await served.client.post(f"/api/v1/runs/{original}/rerun?preview=1", json={"from": "failed"})
        runs = (await served.client.get("/api/v1/runs")).json()["runs"]

        assert response.status_code == 200
        assert response.json() == {
            "rerun_of": original,
            "project": "handbook",
            "scope": "from:generate",
            "steps": ["generate"],
            "skipped": [{"name": "extract", "run_id": original, "status": "completed"}],
            "missing_params": [],
            "latest_run_id": original,
            "results_on": [],
        }
        assert [run["id"] for run in runs] == [original]


@pytest.mark.parametrize("query", ["", "?preview=1"])
async def test_a_rerun_of_a_run_that_has_not_ended_is_refused_with_the_run(open_served: OpenServed, query: str) -> None:
    async with open_served() as served:
        run_id, _ = await served.begin()

        response = await served.client.post(f"/api/v1/runs/{run_id}/rerun{query}")

        assert (response.status_code, response.json()["type"]) == (409, "/problems/run-not-ended")
        assert response.json()["run"]["id"] == run_id


async def test_a_rerun_while_the_project_is_busy_is_a_conflict_that_names_the_active_run(
    open_served: OpenServed,
) -> None:
    async with open_served() as served:
        original = await served.complete()
        active, _ = await served.begin()

        response = await served.client.post(f"/api/v1/runs/{original.id}/rerun")

        assert (response.status_code, response.json()["active_run"]["id"]) == (409, active)


@pytest.mark.parametrize("query", ["", "?preview=1"])
@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"from": "polish"}, ["/from"]),
        ({"from": 3}, ["/from"]),
        ({"params": {"date": 3}}, ["/params/date"]),
        ({"from_step": "start"}, ["/from_step"]),
        ({"triggered_by": "a\x9b"}, ["/triggered_by"]),
        ({"triggered_by": "", "params": {"date": 3}}, ["/triggered_by", "/params/date"]),
    ],
)
async def test_an_invalid_rerun_returns_422_with_pointers(
    open_served: OpenServed, query: str, body: dict[str, Any], pointers: list[str]
) -> None:
    async with open_served() as served:
        original = await _fail(served)

        response = await served.client.post(f"/api/v1/runs/{original}/rerun{query}", json=body)

        assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-request")
        assert [error["pointer"] for error in response.json()["errors"]] == pointers


async def test_a_completed_run_cannot_be_repeated_from_its_failed_step(open_served: OpenServed) -> None:
    async with open_served() as served:
        original = await served.complete()

        response = await served.client.post(f"/api/v1/runs/{original.id}/rerun", json={"from": "failed"})

        assert response.status_code == 422
        assert response.json()["errors"] == [
            {"pointer": "/from", "message": f"run {original.id} has no failed step; its status is completed"}
        ]


@pytest.mark.parametrize("run_id", ["4711", "nothing", "9" * 40])
async def test_a_rerun_of_an_unknown_run_returns_404(open_served: OpenServed, run_id: str) -> None:
    async with open_served() as served:
        response = await served.client.post(f"/api/v1/runs/{run_id}/rerun")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/run-not-found")


async def test_a_rerun_uses_the_projects_newest_declaration(open_served: OpenServed, tmp_path: Path) -> None:
    async with open_served() as served:
        original = await _fail(served, params={"date": "monday"})
        changed = project_toml("handbook", {"extract": ["true"]}, params=["documents"])
        (tmp_path / "solorun.toml").write_text(changed + TOML.partition("[projects.deploy]")[2])

        response = await served.client.post(f"/api/v1/runs/{original}/rerun", json={"from": "failed"})

        assert response.status_code == 422
        assert response.json()["errors"] == [
            {"pointer": "/from", "message": f"handbook no longer has these steps of run {original}: generate"},
            {"pointer": "/params/date", "message": f"was a parameter of run {original}; handbook no longer has it"},
        ]


async def test_the_reruns_of_a_run_are_listed_in_pages(open_served: OpenServed) -> None:
    async with open_served() as served:
        original = await served.complete()
        reruns = [await _rerun(served, original.id), await _rerun(served, original.id)]
        await served.complete()

        first = await served.client.get(f"/api/v1/runs?rerun_of={original.id}&limit=1")
        second = await served.client.get(first.links["next"]["url"])
        none = await served.client.get(f"/api/v1/projects/handbook/runs?rerun_of={original.id}")

        assert [run["id"] for page in (first, second) for run in page.json()["runs"]] == reruns[::-1]
        assert second.json()["next_cursor"] is None
        assert none.json()["runs"] == []


@pytest.mark.parametrize("value", ["-1", "x", str(2**63), ""])
async def test_an_invalid_id_in_a_list_of_reruns_is_refused(open_served: OpenServed, value: str) -> None:
    async with open_served() as served:
        response = await served.client.get(f"/api/v1/runs?rerun_of={value}")

    assert [error["pointer"] for error in response.json()["errors"]] == ["?rerun_of"]


async def _rerun(served: Served, run_id: int) -> int:
    """Repeat a run of deploy to completion. Returns the rerun's id."""
    response = await served.client.post(f"/api/v1/runs/{run_id}/rerun")
    rerun_id: int = response.json()["id"]
    (await served.executor.step("deploy")).end()
    await served.end_of(rerun_id)
    return rerun_id
