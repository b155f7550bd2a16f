"""Followers of runs in a real service: all receive the whole log, and its end equals the stored run."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from httpx_sse import aconnect_sse

from solorun import Run, RunClient
from solorun.wire.encoding import decode_run
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served
from tests.process.service.clients import http

SHARED = project_toml("flood", {"flood": ["seq", "1", "100000"]}) + project_toml("quick", {"work": ["sleep", "0.05"]})


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    with served(tmp_path_factory.mktemp("shared"), SHARED) as service:
        yield service


async def test_a_hundred_thousand_lines_reach_every_kind_of_follower_complete(shared: ServedService) -> None:
    async with RunClient(shared.url) as client, http(shared) as raw:
        run = await client.start_run("flood")

        early, slow, reconnecting, unbatched = await asyncio.gather(
            _follow(client, run.id),
            _follow(client, run.id, pause_every=10_000),
            _follow_by_pieces(client, run.id, 7_001),
            _follow_with_httpx_sse(raw, run.id),
        )
        late = await _follow(client, run.id)

    assert early == slow == reconnecting == unbatched == late
    # Of a machine that stands still in the middle of a line, the line comes in two records.
    assert "".join(early) == "".join(map(str, range(1, 100_001)))


async def test_every_stream_end_equals_the_row(shared: ServedService) -> None:
    async with http(shared) as raw, RunClient(shared.url) as client:
        for delay_seconds in [number / 1000 for number in range(0, 100, 4)]:
            run = await client.start_run("quick")
            await asyncio.sleep(delay_seconds)
            cancel = await raw.post(f"/runs/{run.id}/cancel")

            ended = await _end_of(raw, run.id)

            assert cancel.status_code in {202, 409}
            assert ended == decode_run((await raw.get(f"/runs/{run.id}")).content)
            assert ended.status in {"cancelled", "completed"}


async def _follow(client: RunClient, run_id: int, pause_every: int = 10**9) -> list[str]:
    messages = []
    async for record in client.follow(run_id):
        if record.stream == "stdout":
            messages.append(record.message)
            if len(messages) % pause_every == 0:
                await asyncio.sleep(0.05)
    return messages


async def _follow_by_pieces(client: RunClient, run_id: int, size: int) -> list[str]:
    messages: list[str] = []
    after = 0
    ended = False
    while not ended:
        ended = True
        async for record in client.follow(run_id, after=after):
            after = record.seq
            messages += [record.message] if record.stream == "stdout" else []
            if after % size == 0:
                ended = False
                break
    return messages


async def _follow_with_httpx_sse(client: httpx.AsyncClient, run_id: int) -> list[str]:
    messages: list[str] = []
    async with aconnect_sse(client, "GET", f"/runs/{run_id}/events") as source:
        async for event in source.aiter_sse():
            if event.event == "end":
                return messages
            record = event.json()
            messages += [record["message"]] if record["stream"] == "stdout" else []
    raise AssertionError("the stream ended without its end")


async def _end_of(client: httpx.AsyncClient, run_id: int) -> Run:
    async with aconnect_sse(client, "GET", f"/runs/{run_id}/events") as source:
        async for event in source.aiter_sse():
            if event.event == "end":
                return decode_run(event.data)
    raise AssertionError("the stream ended without its end")
