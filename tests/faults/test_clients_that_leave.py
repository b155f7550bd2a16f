"""Clients that disconnect at every await of every response: the application notices and keeps nothing of them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from solorun.status import Status
from tests.fakes.application import OpenServed, Served, make_open_served
from tests.faults.conftest import MakeTrials
from tests.faults.interrupted import CountedAwaitable


@pytest.fixture
def open_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenServed:
    return make_open_served(tmp_path, monkeypatch)


REQUESTS = {
    "POST runs": ("POST", "/api/v1/projects/deploy/runs"),
    "POST cancel": ("POST", "/api/v1/runs/{active}/cancel"),
    "GET run": ("GET", "/api/v1/runs/{ended}"),
    "GET current": ("GET", "/api/v1/projects/deploy/runs/current"),
    "GET runs": ("GET", "/api/v1/runs"),
    "GET projects": ("GET", "/api/v1/projects"),
    "GET log": ("GET", "/api/v1/runs/{ended}/log"),
    "GET log.ndjson": ("GET", "/api/v1/runs/{ended}/log.ndjson"),
    "GET log.txt": ("GET", "/api/v1/runs/{ended}/log.txt"),
    "GET artifacts": ("GET", "/api/v1/runs/{ended}/artifacts"),
    "GET events of an ended run": ("GET", "/api/v1/runs/{ended}/events"),
    "GET events": ("GET", "/api/v1/runs/{active}/events"),
    "GET all events": ("GET", "/api/v1/events"),
    "GET readyz": ("GET", "/readyz"),
}


@pytest.mark.needs(minutes=0.1)
@pytest.mark.parametrize("name", REQUESTS)
async def test_a_client_can_disconnect_at_any_await_without_harm(
    trials: MakeTrials, open_served: OpenServed, name: str
) -> None:
    tried = trials("P9", f"{len(REQUESTS)} requests whose client disconnects at every await", short=1, goal=2_000)
    method, path = REQUESTS[name]
    async with open_served() as served:
        ended = await served.complete(lines=[str(number) for number in range(50)])
        active = await _active_run(served)
        for _ in tried:
            at = 1
            while await _request_and_disconnect(served, method, path.format(ended=ended.id, active=active), at):
                at += 1
                tried.judge([])
                active = await _active_run(served)
        assert served.app.state.streams is not None
        assert len(served.app.state.streams) == 0
        await _end_all(served)
        assert (await served.complete()).status is Status.COMPLETED


async def _active_run(served: Served) -> int:
    """The id of an active run of `deploy` whose step has begun."""
    runs = served.service.manager.list_active_runs()
    if not runs:
        return (await served.begin())[0]
    await served.until(lambda: any(step.context.run_id == runs[0].id for step in served.executor.begun))
    return runs[0].id


async def _end_all(served: Served) -> None:
    await asyncio.sleep(0)
    for run in served.service.manager.list_active_runs():
        await _active_run(served)
        served.executor.begun[-1].end()
        await served.end_of(run.id)


async def _request_and_disconnect(served: Served, method: str, path: str, at: int) -> bool:
    """A request whose client disconnects at its n-th suspension; True if it got there."""
    gone = asyncio.Event()
    asked = False
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        await asyncio.sleep(0)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8700")], "client": ("127.0.0.1", 5000), "scheme": "http",
        "http_version": "1.1", "root_path": "", "extensions": {"solorun.abort": {"abort": lambda: None}},
    }  # fmt: skip
    counted = CountedAwaitable(served.app(scope, receive, send), at, gone.set)

    async def answer() -> None:
        await counted

    answering = asyncio.create_task(answer())
    await served.until(lambda: answering.done() or counted.reached or _is_waiting(served, sent))
    for _ in range(20):
        await asyncio.sleep(0)
    reached = counted.reached
    # A stream that only waits does not suspend that often, so its client disconnects here.
    gone.set()
    await asyncio.wait([answering], timeout=60)
    assert answering.done(), f"{method} {path} did not notice that its client disconnected at suspension {at}"
    answering.result()
    return reached


def _is_waiting(served: Served, sent: list[Any]) -> bool:
    """Whether a stream has sent what there is, and waits for a change."""
    if any(b"event: runs" in message.get("body", b"") for message in sent):
        return True
    last_ids = [b"id: %d\n" % run.last_seq for run in served.service.manager.list_active_runs() if run.last_seq]
    return any(last_id in message.get("body", b"") for message in sent for last_id in last_ids)
