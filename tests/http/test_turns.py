"""Large pages: one at a time for each client, with a rest after each."""

import asyncio

import anyio
import httpx
import pytest

from solorun.http import turns
from solorun.record import StoredLogPage
from solorun.store import LogQuery
from tests.fakes.application import OpenServed

PAGES = ["/api/v1/runs", "/api/v1/runs/{}/log", "/api/v1/runs/{}/artifacts"]


@pytest.mark.parametrize("page", PAGES)
async def test_a_client_that_requests_large_pages_leaves_room_for_other_requests(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setattr(turns, "REST_SECONDS", 3600)
    async with open_served() as served:
        address = page.format((await served.complete()).id)
        another = httpx.ASGITransport(served.app, client=("192.0.2.1", 5000))

        first = await served.client.get(address)
        waiting = asyncio.create_task(served.client.get(address))
        await anyio.wait_all_tasks_blocked()
        run = await served.complete()
        async with httpx.AsyncClient(transport=another, base_url=served.client.base_url) as client:
            of_another = await client.get(address)

        assert (first.status_code, of_another.status_code, run.status.value) == (200, 200, "completed")
        assert not waiting.done()
        waiting.cancel()


@pytest.mark.parametrize("page", PAGES)
async def test_a_client_gets_all_pages_that_it_requests_together(open_served: OpenServed, page: str) -> None:
    async with open_served() as served:
        address = page.format((await served.complete()).id)

        responses = await asyncio.gather(*(served.client.get(address) for _ in range(20)))

    assert {response.status_code for response in responses} == {200}


async def test_no_page_of_a_client_waits_until_another_has_been_read(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_served() as served:
        address = PAGES[1].format((await served.complete()).id)
        read_log = served.service.store.read_log
        reached, found = asyncio.Event(), asyncio.Event()

        async def read_slowly(run_id: int, query: LogQuery) -> StoredLogPage:
            if query.level is not None:
                reached.set()
                await found.wait()
            return await read_log(run_id, query)

        monkeypatch.setattr(served.service.store, "read_log", read_slowly)
        slow = asyncio.create_task(served.client.get(address, params={"level": "error"}))
        await reached.wait()
        page = await served.client.get(address)
        found.set()

        assert (page.status_code, (await slow).status_code) == (200, 200)
