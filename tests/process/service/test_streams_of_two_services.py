"""A client that reconnects behind a proxy may reach another service. The streams continue there."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource, aconnect_sse

from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

LIMIT_SECONDS = 60
LINES = 40
COUNTER = project_toml(
    "handbook", {"count": f"for i in $(seq {LINES}); do echo line $i; done; until [ -e go ]; do sleep 0.01; done"}
)


@pytest.fixture
def services(tmp_path: Path, database_url: str) -> Iterator[tuple[ServedService, ServedService]]:
    with ExitStack() as stack:

        def serve(name: str) -> ServedService:
            (tmp_path / name).mkdir()
            return stack.enter_context(served(tmp_path / name, COUNTER, SOLORUN_DATABASE_URL=database_url))

        yield serve("first"), serve("second")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=LIMIT_SECONDS) as client:
        yield client


async def start(client: httpx.AsyncClient, service: ServedService) -> int:
    response = await client.post(f"{service.api}/projects/handbook/runs", json={})
    run_id: int = response.json()["id"]
    return run_id


async def read_records(source: EventSource, *, limit: int) -> list[Any]:
    records: list[Any] = []
    async for event in source.aiter_sse():
        if event.event == "end":
            break
        if event.data:
            records.append(json.loads(event.data))
        if len(records) == limit:
            break
    return records


async def test_a_log_continues_on_another_service_without_a_gap(
    services: tuple[ServedService, ServedService], client: httpx.AsyncClient
) -> None:
    first, second = services
    run_id = await start(client, first)
    path = f"/runs/{run_id}/events"

    async with aconnect_sse(client, "GET", first.api + path) as source:
        begun = await read_records(source, limit=LINES // 2)
    resumed_after = {"last-event-id": str(begun[-1]["seq"])}
    async with aconnect_sse(client, "GET", second.api + path, headers=resumed_after) as source:
        (first.directory / "go").touch()
        continued = await read_records(source, limit=-1)

    seqs = [record["seq"] for record in begun + continued]
    lines = [record["message"] for record in begun + continued if record["stream"] == "stdout"]
    assert seqs == list(range(1, len(seqs) + 1))
    assert lines == [f"line {number}" for number in range(1, LINES + 1)]


async def test_the_stream_of_all_runs_shows_those_of_another_service(
    services: tuple[ServedService, ServedService], client: httpx.AsyncClient
) -> None:
    first, second = services
    statuses: list[str] = []

    async with asyncio.timeout(LIMIT_SECONDS), aconnect_sse(client, "GET", f"{second.api}/events") as source:
        events = source.aiter_sse()
        beginning = await anext(events)
        run_id = await start(client, first)
        (first.directory / "go").touch()
        async for event in events:
            run = json.loads(event.data)
            if event.event == "run" and run["id"] == run_id:
                statuses.append(run["status"])
                if run["finished_at"] is not None:
                    break

    assert (beginning.event, json.loads(beginning.data)) == ("runs", {"runs": []})
    assert statuses[-1] == "completed"
    assert statuses == sorted(statuses, key=["pending", "running", "completed"].index)
