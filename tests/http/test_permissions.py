"""The rights of callers that a host application identifies: what its `authorize` refuses does not happen."""

import asyncio
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from solorun.auth.permissions import Authorize
from solorun.right import Right
from tests.fakes.application import OpenServed
from tests.fakes.project_toml import project_toml
from tests.http.permissions import hosted, may


async def may_later(request: Request, right: Right, project: str | None) -> bool:
    await asyncio.sleep(0)
    return may(request, right, project)


@pytest.mark.parametrize("authorize", [may, may_later], ids=["function", "coroutine"])
async def test_a_right_too_few_is_refused_by_name(open_served: OpenServed, authorize: Authorize) -> None:
    async with hosted(open_served, authorize) as (_, client):
        client.headers["authorization"] = "reader"
        started = await client.post("/api/v1/projects/deploy/runs")
        listed = await client.get("/api/v1/projects")

    assert (started.status_code, started.json()["type"]) == (403, "/problems/forbidden")
    assert started.json()["detail"] == 'This requires the right "start" for the project deploy.'
    assert [project["name"] for project in listed.json()["projects"]] == ["handbook", "deploy"]


async def test_a_caller_with_every_right_starts_follows_and_cancels(open_served: OpenServed) -> None:
    async with hosted(open_served, may) as (served, client):
        client.headers["authorization"] = "owner"
        started = await client.post("/api/v1/projects/deploy/runs")
        await served.executor.step("deploy")
        cancelled = await client.post(f"/api/v1/runs/{started.json()['id']}/cancel")
        await served.end_of(1)
        events = await client.get("/api/v1/runs/1/events")

    assert (started.status_code, cancelled.status_code, events.status_code) == (201, 202, 200)
    assert "event: end" in events.text


@pytest.mark.parametrize(
    ("caller", "method", "path", "status"),
    [
        ("stopper", "POST", "/api/v1/runs/1/cancel", 202),
        ("stopper handbook", "POST", "/api/v1/runs/1/cancel", 403),
        ("stopper", "POST", "/api/v1/runs/1/rerun", 403),
        ("reader handbook", "GET", "/api/v1/runs/1", 403),
        ("reader handbook", "GET", "/api/v1/runs/1/log", 403),
        ("reader handbook", "GET", "/api/v1/runs/1/events", 403),
        ("reader handbook", "GET", "/api/v1/events?follow=1:0", 403),
        ("reader handbook", "GET", "/api/v1/projects/deploy", 403),
        ("reader deploy", "GET", "/api/v1/runs/1", 200),
        ("reader", "GET", "/metrics", 403),
        ("reader", "GET", "/api/v1/deliveries", 403),
        ("stopper", "POST", "/api/v1/workers/red-1/drain", 403),
        ("owner", "POST", "/api/v1/workers/red-1/drain", 404),
        ("owner handbook", "POST", "/api/v1/schedules/deploy.nightly/pause", 403),
        ("owner handbook", "POST", "/api/v1/schedules/deploy.nightly/run", 403),
        ("reader", "GET", "/api/v1/runs/2", 404),
        ("stranger", "GET", "/api/v1/runs", 403),
        ("stranger", "GET", "/", 403),
        ("stranger", "GET", "/readyz", 200),
    ],
)
async def test_a_right_may_be_limited_to_a_project(
    open_served: OpenServed, caller: str, method: str, path: str, status: int
) -> None:
    async with hosted(open_served, may) as (served, client):
        await served.begin("deploy")

        response = await client.request(method, path, headers={"authorization": caller})

    assert response.status_code == status


async def test_lists_show_the_projects_that_the_caller_may_view(open_served: OpenServed) -> None:
    async with hosted(open_served, may) as (served, client):
        for _ in range(3):
            await served.complete("deploy")
            await served.complete("glossary-moon", "extract")
        client.headers["authorization"] = "reader glossary-moon"
        page = (await client.get("/api/v1/runs?limit=2")).json()
        rest = (await client.get(f"/api/v1/runs?limit=2&cursor={page['next_cursor']}")).json()
        projects = (await client.get("/api/v1/projects")).json()
        client.headers["authorization"] = "reader deploy"
        others = (await client.get("/api/v1/projects")).json()

    assert [run["id"] for run in [*page["runs"], *rest["runs"]]] == [6, 4, 2]
    assert rest["next_cursor"] is None
    assert (projects["projects"], projects["families"]) == ([], [])
    assert [project["name"] for project in others["projects"]] == ["deploy"]


async def test_projects_come_with_the_rights_of_the_caller(open_served: OpenServed) -> None:
    async with hosted(open_served, may) as (served, client):
        await served.complete("glossary-moon", "extract")
        client.headers["authorization"] = "stopper"
        listed = (await client.get("/api/v1/projects")).json()
        project = (await client.get("/api/v1/projects/glossary-moon")).json()

    projects = [*listed["projects"], *listed["families"], *listed["members"]]
    assert {tuple(each["rights"]) for each in (listed, *projects)} == {("view", "cancel")}
    assert [member["name"] for member in listed["members"]] == ["glossary-moon"]
    assert project["rights"] == ["view", "cancel"]


async def test_rights_in_one_project_are_no_rights_in_others(open_served: OpenServed) -> None:
    def authorize(request: Request, right: Right, project: str | None) -> bool:
        return right == Right.VIEW or (right, project) == (Right.START, "deploy")

    async with hosted(open_served, authorize) as (_, client):
        listed = (await client.get("/api/v1/projects")).json()

    assert {each["name"]: each["rights"] for each in listed["projects"]} == {
        "handbook": ["view"],
        "deploy": ["view", "start"],
    }
    assert listed["rights"] == ["view"]


async def test_without_authorize_a_caller_has_every_right(open_served: OpenServed) -> None:
    async with open_served() as served:
        listed = (await served.client.get("/api/v1/projects")).json()

    assert listed["rights"] == listed["projects"][0]["rights"] == listed["families"][0]["rights"] == [*Right]


async def test_a_project_that_is_no_longer_declared_still_comes_with_rights(
    open_served: OpenServed, tmp_path: Path
) -> None:
    async with hosted(open_served, may) as (served, client):
        await served.complete("deploy")
        (tmp_path / "solorun.toml").write_text(project_toml("handbook", {"build": ["true"]}))
        await served.service.catalog.refresh()
        client.headers["authorization"] = "stopper"
        listed = (await client.get("/api/v1/projects")).json()
        client.headers["authorization"] = "stopper handbook"
        hidden = (await client.get("/api/v1/projects")).json()

    assert listed["undeclared"] == {"deploy": ["view", "cancel"]}
    assert hidden["undeclared"] == {}


async def test_an_exception_for_the_host_is_a_refusal_in_a_list(open_served: OpenServed) -> None:
    def authorize(request: Request, right: Right, project: str | None) -> bool:
        if right != Right.VIEW or project == "deploy":
            raise HTTPException(403, "Ask Ann.")
        return True

    async with hosted(open_served, authorize) as (_, client):
        listed = await client.get("/api/v1/projects")

    assert [(each["name"], each["rights"]) for each in listed.json()["projects"]] == [("handbook", ["view"])]


async def test_the_runs_of_a_worker_are_those_that_the_caller_may_view(open_served: OpenServed) -> None:
    async with hosted(open_served, may) as (served, client):
        run_id, _ = await served.begin("deploy")
        await served.begin("handbook", "extract")
        listed = await client.get("/api/v1/workers", headers={"authorization": "reader deploy"})

    assert [worker["runs"] for worker in listed.json()["workers"]] == [[run_id]]


async def test_an_unknown_project_names_only_those_that_the_caller_may_view(open_served: OpenServed) -> None:
    def authorize(request: Request, right: Right, project: str | None) -> bool:
        return project in (request.headers["authorization"], "nope", "handbok")

    async with hosted(open_served, authorize) as (_, client):
        one, none = [
            (await client.get("/api/v1/projects/nope", headers={"authorization": name})).json()["detail"]
            for name in ("deploy", "glossary")
        ]
        similar = (await client.get("/api/v1/projects/handbok", headers={"authorization": "deploy"})).json()["detail"]

    assert one == 'There is no project "nope"; the service has: deploy'
    assert none == 'There is no project "nope".'
    assert similar == 'There is no project "handbok"; the service has: deploy'
