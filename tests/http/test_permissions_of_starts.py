"""Rights that a start, a stream or a page of another site requires."""

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from solorun.api.routes import OPERATIONS
from solorun.http.event_stream import StreamLimits
from solorun.right import Right
from solorun.service import ServiceLimits
from tests.fakes.application import OpenServed
from tests.fakes.project_toml import project_toml
from tests.http.permissions import hosted, may

SELECTIVE = {
    "followAllRuns",
    "listResources",
    "listRuns",
    "listProjects",
    "listSchedules",
    "listFirings",
    "listWorkers",
}


def refuse_strangers(request: Request, right: Right, project: str | None) -> bool:
    if "authorization" not in request.headers:
        raise HTTPException(401, "Who are you?")
    return True


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
