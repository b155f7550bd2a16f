"""The names of callers that a host application identifies: a request cannot claim another one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from solorun.auth.permissions import Identify
from solorun.dashboard import Dashboard
from tests.fakes.application import OpenServed, Served
from tests.fakes.project_toml import project_toml

SCHEDULED = project_toml("etl", {"load": ["true"]}) + '[[projects.etl.schedules]]\ncron = "0 3 1 1 *"\n'


def user_of(request: Request) -> str:
    """The name in the header `Authorization`. Without one, the host prompts for it."""
    if "authorization" not in request.headers:
        raise HTTPException(401, "Who are you?")
    return request.headers["authorization"]


async def user_of_later(request: Request) -> str:
    return user_of(request)


async def show_error(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"from the host: {error}", 401)


@asynccontextmanager
async def hosted(
    open_served: OpenServed, identify: Identify = user_of, **settings: Any
) -> AsyncIterator[tuple[Served, httpx.AsyncClient]]:
    """A client, by default Ann's, of an application that identifies its callers."""
    async with open_served(**settings) as served:
        dashboard = Dashboard()
        application = Application(
            served.service, dashboard.endpoints, dashboard.show_not_found, lambda *_: True, identify
        )
        app = Starlette(routes=[Mount("/runs", application)], exception_handlers={HTTPException: show_error})
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 5000))
        base_url, headers = "http://any.example.org/runs/api/v1", {"authorization": "ann"}
        async with httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers) as client:
            yield served, client


@pytest.mark.parametrize("identify", [user_of, user_of_later], ids=["function", "coroutine"])
async def test_a_start_records_the_user_and_not_the_claim(open_served: OpenServed, identify: Identify) -> None:
    async with hosted(open_served, identify) as (_, client):
        started = await client.post("/projects/deploy/runs", json={"triggered_by": "the director"})
        silent = await client.post("/projects/handbook/runs")

    assert (started.json()["triggered_by"], silent.json()["triggered_by"]) == ("ann", "ann")


async def test_a_cancel_records_the_user_and_not_the_claim(open_served: OpenServed) -> None:
    async with hosted(open_served) as (served, client):
        run_id, _ = await served.begin()
        cancelled = await client.post(f"/runs/{run_id}/cancel", json={"requested_by": "the director"})
        ended = await served.end_of(run_id)

    assert cancelled.json()["cancel_requested_by"] == "ann"
    assert ended.cancel is not None
    assert ended.cancel.requested_by == "ann"


async def test_a_rerun_records_the_user_and_not_the_claim(open_served: OpenServed) -> None:
    async with hosted(open_served) as (served, client):
        original = await served.complete()
        repeated = await client.post(f"/runs/{original.id}/rerun", json={"triggered_by": "the director"})

    assert (original.triggered_by, repeated.json()["triggered_by"]) == ("api", "ann")


async def test_a_replaced_run_was_cancelled_by_the_user_who_replaces_it(open_served: OpenServed) -> None:
    async with hosted(open_served) as (served, client):
        run_id, _ = await served.begin()
        body = {"on_conflict": "replace", "triggered_by": "the director"}
        await client.post("/projects/deploy/runs", json=body)
        replaced = await served.end_of(run_id)

    assert replaced.cancel_requested_by == "ann"


async def test_a_pause_records_the_user_and_not_the_claim(open_served: OpenServed) -> None:
    async with hosted(open_served, toml=SCHEDULED) as (_, client):
        paused = await client.post("/schedules/etl/pause", json={"requested_by": "the director"})
        resumed = await client.post("/schedules/etl/resume", json={"requested_by": "the director"})

    assert (paused.json()["paused_by"], resumed.status_code) == ("ann", 200)


async def test_a_run_of_a_schedule_records_the_user_and_not_the_claim(open_served: OpenServed) -> None:
    async with hosted(open_served, toml=SCHEDULED) as (_, client):
        started = await client.post("/schedules/etl/run", json={"triggered_by": "the director"})

    assert (started.status_code, started.json()["triggered_by"]) == (201, "ann")


def test_every_request_that_can_claim_a_name_is_known_to_record_the_user() -> None:
    claims = {"triggered_by", "requested_by"}
    claiming = {each.id for each in OPERATIONS if each.body is not None and claims & {*each.body.__struct_fields__}}

    assert claiming == {"startRun", "rerun", "cancelRun", "pauseSchedule", "resumeSchedule", "runSchedule"}


async def test_an_exception_for_the_host_reaches_its_handlers(open_served: OpenServed) -> None:
    async with hosted(open_served) as (served, client):
        del client.headers["authorization"]
        refused = await client.post("/projects/deploy/runs")
        runs = served.service.manager.list_active_runs()

    assert (refused.status_code, refused.text) == (401, "from the host: 401: Who are you?")
    assert runs == []


@pytest.mark.parametrize(
    "name", ["", "x" * 65, "ann\nbob", "\ud800", None], ids=["empty", "long", "lines", "surrogate", "none"]
)
async def test_a_name_that_cannot_be_recorded_starts_no_run(
    open_served: OpenServed, name: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with hosted(open_served, lambda _: name) as (served, client):
        refused = await client.post("/projects/deploy/runs")
        runs = served.service.manager.list_active_runs()

    assert (refused.status_code, runs) == (500, [])
    assert "`identify` must return a name of 1 to 64 characters" in caplog.text
