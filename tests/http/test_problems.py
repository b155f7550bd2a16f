"""Problems: one for each error, without details that clients should not see."""

import logging

import pytest
from starlette.types import Message

from solorun.errors import PROBLEMS, Problem
from solorun.segment import Segment
from solorun.service import ServiceLimits
from tests.fakes.application import OpenServed


def test_every_problem_has_a_status_and_a_title() -> None:
    assert set(PROBLEMS.values()) == set(Problem.__subclasses__())
    assert all(400 <= problem.status < 600 and problem.title for problem in PROBLEMS.values())


@pytest.mark.parametrize("slug", sorted(PROBLEMS))
async def test_the_type_of_every_problem_is_an_address_that_describes_it(open_served: OpenServed, slug: str) -> None:
    async with open_served() as served:
        response = await served.client.get(f"/problems/{slug}")

    assert response.status_code == 200
    assert str(PROBLEMS[slug].status.value) in response.text


@pytest.mark.parametrize("path", ["/nowhere", "/api/v2/runs", "/api/v1/runs/", "/problems/nothing", "/problems"])
async def test_an_unknown_path_returns_a_problem(open_served: OpenServed, path: str) -> None:
    async with open_served() as served:
        response = await served.client.get(path)

    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "Nothing exists at this address.",
        "instance": path,
    }


async def test_a_refused_method_gets_the_allowed_methods(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.delete("/api/v1/projects/deploy/runs")

    assert (response.status_code, response.json()["type"]) == (405, "/problems/method-not-allowed")
    assert response.headers["allow"] == "GET, HEAD, POST"


async def test_an_unexpected_error_is_logged_under_an_id_and_not_explained_to_the_client(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_served() as served:
        monkeypatch.setattr(served.service.manager, "get_run", None)

        response = await served.client.get("/api/v1/runs/1?", headers={"authorization": "Bearer hunter2"})

    error_id = response.json()["detail"].removeprefix("Internal error ").partition(".")[0]
    entry = next(entry for entry in caplog.records if error_id in entry.getMessage())
    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal")
    assert "NoneType" not in response.text
    assert entry.levelno == logging.ERROR
    assert entry.exc_info is not None
    assert "hunter2" not in caplog.text


async def test_a_store_that_cannot_be_written_is_reported_as_unavailable(open_served: OpenServed) -> None:
    async with open_served(limits=ServiceLimits(write_seconds=0)) as served:
        response = await served.client.post("/api/v1/projects/deploy/runs")

    assert (response.status_code, response.json()["type"]) == (503, "/problems/store-unavailable")
    assert int(response.headers["retry-after"]) >= 1


async def test_a_response_that_fails_midway_is_left_to_the_server_to_close(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(run_id: int, *, after: int, max_records: int) -> list[Segment]:
        raise OSError("disk on fire")

    async with open_served() as served:
        run = await served.complete(lines=["x"])
        monkeypatch.setattr(served.service.store, "read_segments", broken)

        with pytest.raises(OSError, match="disk on fire"):
            await served.client.get(f"/api/v1/runs/{run.id}/log.ndjson")


async def test_a_websocket_is_closed(open_served: OpenServed) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async with open_served() as served:
        await served.app({"type": "websocket", "path": "/"}, receive, send)

    assert [message["type"] for message in sent] == ["websocket.close"]
