"""A browser's session on several services that share a database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.fakes.application import TOKEN, OpenServed, Served

Two = tuple[Served, Served]
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
async def services(tmp_path: Path, open_served: OpenServed, database_url: str) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(
                open_served(token=TOKEN, database_url=database_url, data_dir=tmp_path / name, headers=SAME_ORIGIN)
            )
            for name in ("first", "second")
        ]
        yield first, second


async def test_a_session_is_open_on_every_service(services: Two) -> None:
    first, second = services

    login = await first.client.post("/login", data={"token": TOKEN})
    second.client.cookies.update(first.client.cookies)
    reads = [(await served.client.get("/api/v1/runs")).status_code for served in services]
    start = await second.client.post("/api/v1/projects/deploy/runs")

    assert login.status_code == 303
    assert (reads, start.status_code) == ([200, 200], 201)


async def test_a_logout_on_one_service_ends_the_session_on_all(services: Two) -> None:
    first, second = services
    await first.client.post("/login", data={"token": TOKEN})
    second.client.cookies.update(first.client.cookies)
    cookies = dict(first.client.cookies)

    logout = await second.client.post("/logout")
    second.client.cookies.update(cookies)
    reads = [(await served.client.get("/api/v1/runs")).status_code for served in services]

    assert logout.status_code == 303
    assert reads == [401, 401]
