"""The rights of callers that a host application identifies: what its `authorize` refuses does not happen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from solorun.api import Application
from solorun.api.routes import OPERATIONS
from solorun.auth.permissions import Authorize
from solorun.dashboard import Dashboard
from solorun.http.event_stream import StreamLimits
from solorun.right import Right
from solorun.service import ServiceLimits
from tests.fakes.application import OpenServed, Served
from tests.fakes.project_toml import project_toml

SELECTIVE = {
    "followAllRuns",
    "listResources",
    "listRuns",
    "listProjects",
    "listSchedules",
    "listFirings",
    "listWorkers",
}
"""The operations that return something of several projects: each leaves out what the caller may not view."""

RIGHTS = {
    "owner": {*Right},
    "reader": {Right.VIEW},
    "stopper": {Right.VIEW, Right.CANCEL},
    "starter": {Right.VIEW, Right.START},
}


def may(request: Request, right: Right, project: str | None) -> bool:
    """A caller has the rights of a role, in one project only if a second word names it."""
    role, _, only = request.headers.get("authorization", "").partition(" ")
    return right in RIGHTS.get(role, set()) and (not only or project in (None, only))


async def may_later(request: Request, right: Right, project: str | None) -> bool:
    await asyncio.sleep(0)
    return may(request, right, project)


def refuse_strangers(request: Request, right: Right, project: str | None) -> bool:
    if "authorization" not in request.headers:
        raise HTTPException(401, "Who are you?")
    return True


async def show_error(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"from the host: {error}", 401)


@asynccontextmanager
async def hosted(
    open_served: OpenServed, authorize: Authorize, **settings: Any
) -> AsyncIterator[tuple[Served, httpx.AsyncClient]]:
    """A client of an application whose callers are identified by their header `Authorization`."""
    async with open_served(**settings) as served:
        dashboard = Dashboard()
        application = Application(served.service, dashboard.endpoints, dashboard.show_not_found, authorize)
        app = Starlette(routes=[Mount("/runs", application)], exception_handlers={HTTPException: show_error})
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://any.example.org/runs") as client:
            yield served, client


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

    assert {tuple(each["rights"]) for each in (listed, *listed["projects"], *listed["families"])} == {
        ("view", "cancel")
    }
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


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/projects/deploy/runs"),
        ("POST", "/api/v1/runs/1/rerun"),
        ("POST", "/api/v1/schedules/deploy/run"),
    ],
)
async def test_replacing_a_run_requires_the_right_to_cancel_it(open_served: OpenServed, method: str, path: str) -> None:
    schedule = '[[projects.deploy.schedules]]\ncron = "0 3 1 1 *"\non_conflict = "reject"\n'
    toml = project_toml("deploy", {"deploy": ["true"]}) + schedule
    async with hosted(open_served, may, toml=toml) as (served, client):
        await served.complete("deploy")
        run_id, _ = await served.begin("deploy")
        client.headers["authorization"] = "starter"
        refused = await client.request(method, path, json={"on_conflict": "replace"})
        rejected = await client.request(method, path)
        run = await served.service.manager.get_run(run_id)
        client.headers["authorization"] = "owner"
        offered = await client.request(method, path)
        replaced = await client.request(method, path, json={"on_conflict": "replace"})

    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        'This requires the right "cancel" for the project deploy.',
    )
    assert run.cancel is None
    assert rejected.json()["choices"]["replace"] == {"cancels": run_id, "possible": False}
    assert offered.json()["choices"]["replace"] == {"cancels": run_id, "possible": True}
    assert replaced.status_code == 201


async def test_a_project_that_declares_replace_needs_no_right_to_cancel(open_served: OpenServed) -> None:
    toml = project_toml("deploy", {"deploy": ["true"]}, on_conflict="replace")
    async with hosted(open_served, may, toml=toml) as (served, client):
        await served.begin("deploy")
        client.headers["authorization"] = "starter"
        replacing = await client.post("/api/v1/projects/deploy/runs")

    assert (replacing.status_code, replacing.json()["replaces"]) == (201, 1)


async def test_a_refused_start_names_no_holder_that_the_caller_may_not_view(open_served: OpenServed) -> None:
    toml = "[resources.gpu]\n" + "".join(
        project_toml(name, {"train": ["true"]}, resources=["gpu"]) for name in ("deploy", "handbook")
    )
    async with hosted(open_served, may, toml=toml) as (served, client):
        await served.begin("deploy", "train")
        headers = {"authorization": "owner handbook"}
        hidden = await client.post("/api/v1/projects/handbook/runs", headers=headers)
        shown = await client.post("/api/v1/projects/handbook/runs", headers={"authorization": "owner"})

    assert (hidden.status_code, hidden.json().get("holders", [])) == (409, [])
    assert "deploy" not in hidden.text
    assert [hold["project"] for hold in shown.json()["holders"]] == ["deploy"]


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/runs/1/events"], ids=["dashboard", "run"])
@pytest.mark.parametrize("fails", [False, True], ids=["refuses", "fails"])
async def test_a_stream_ends_when_its_reader_may_no_longer_view_it(
    open_served: OpenServed, path: str, fails: bool
) -> None:
    answers: list[bool] = []
    """What `authorize` finds. Without an answer, it admits."""

    def authorize(request: Request, right: Right, project: str | None) -> bool:
        return not answers or answers[0] / answers[0] == 0

    limits = ServiceLimits(streams=StreamLimits(comment_interval_seconds=0.01))
    async with hosted(open_served, authorize, limits=limits) as (served, client):
        await served.begin("deploy")
        reading = asyncio.create_task(client.get(path))
        await served.until(lambda: served.service.hub.open_streams > 0)
        answers.append(not fails)
        async with asyncio.timeout(60):
            response = await reading

    assert response.text.startswith(": ok")
    assert "event: end" not in response.text


async def test_an_exception_for_the_host_reaches_its_handlers(open_served: OpenServed) -> None:
    async with hosted(open_served, refuse_strangers) as (_, client):
        refused = await client.get("/api/v1/runs")
        admitted = await client.get("/api/v1/runs", headers={"authorization": "owner"})

    assert (refused.status_code, refused.text) == (401, "from the host: 401: Who are you?")
    assert admitted.status_code == 200


async def test_a_page_of_another_site_cannot_start_a_run(open_served: OpenServed) -> None:
    async with hosted(open_served, may) as (_, client):
        client.headers["authorization"] = "owner"
        headers = {"origin": "http://evil.example.org"}
        response = await client.post("/api/v1/projects/deploy/runs", headers=headers)

    assert (response.status_code, response.json()["type"]) == (403, "/problems/cross-origin")


async def test_a_caller_behind_a_proxy_needs_no_token(open_served: OpenServed) -> None:
    async with hosted(open_served, may) as (_, client):
        client.headers["authorization"] = "owner"
        response = await client.get("/api/v1/runs", headers={"x-forwarded-for": "192.0.2.1"})

    assert response.status_code == 200


def test_every_list_over_several_projects_is_known_to_select_those_that_the_caller_may_view() -> None:
    views = [operation for operation in OPERATIONS if operation.right == Right.VIEW and not operation.public]

    lists = [one.id for one in views if one.path.startswith("/api/") and "{" not in one.path]

    assert {*lists} == SELECTIVE


def test_an_operation_that_changes_something_requires_more_than_view() -> None:
    lax = [operation.id for operation in OPERATIONS if operation.method != "GET" and operation.right == Right.VIEW]

    assert lax == ["logOut"]
