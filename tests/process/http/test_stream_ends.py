"""How event streams end: readers that stall or leave, a shutdown, limits, and sessions."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest

from solorun.auth.sessions import SESSION_SECONDS, Sessions
from solorun.http.event_stream import StreamLimits
from solorun.logs import Receiver
from solorun.record import Stream
from solorun.run import Run
from solorun.segment import Segment
from solorun.service import ServiceLimits
from tests.fakes.application import TOKEN
from tests.fakes.http_server import OpenServer


async def test_a_stalled_reader_is_disconnected(open_server: OpenServer) -> None:
    limits = ServiceLimits(streams=StreamLimits(comment_interval_seconds=0.02, send_timeout_seconds=0.1))
    async with open_server(limits=limits) as server:
        run_id, step = await server.begin()

        async with server.connect(receive_buffer=4096) as connection:
            await connection.get(f"/api/v1/runs/{run_id}/events")
            await connection.read_until(b": ok\n\n")
            for _ in range(40):
                await step.context.output.write("deploy", Stream.STDOUT, ["x" * 10_000] * 10)
            await server.until(lambda: server.service.hub.open_streams == 0)

        step.end()
        assert len(server.app.state.streams) == 0


async def test_a_reader_that_disconnects_is_noticed_immediately(open_server: OpenServer) -> None:
    async with open_server() as server:
        run_id, _ = await server.begin()

        async with server.stream(f"/api/v1/runs/{run_id}/events"):
            during = server.service.hub.open_streams
        await server.until(lambda: server.service.hub.open_streams == 0)

    assert during == 1


async def test_a_stream_whose_log_cannot_be_read_is_cut_off_without_an_end(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(
        run_id: int, *, after: int, page_records: int, receiver: Receiver
    ) -> AsyncGenerator[Segment | Run, None]:
        raise OSError("disk on fire")
        yield

    async with open_server() as server:
        run = await server.complete(["x"])
        monkeypatch.setattr(server.service.tail, "follow", broken)

        async with server.stream(f"/api/v1/runs/{run.id}/events") as connection:
            rest = await connection.read_to_close()

    assert not rest.endswith(b"0\r\n\r\n")
    assert b"event: end" not in rest
    assert "disk on fire" in caplog.text
    assert "without completing response" not in caplog.text


async def test_streams_of_active_runs_end_with_shutdown(open_server: OpenServer) -> None:
    async with open_server() as server:
        run_id, step = await server.begin()
        step.unkillable = True
        paths = [f"/api/v1/runs/{run_id}/events", "/api/v1/events", f"/api/v1/events?follow={run_id}:0"]

        async with asyncio.timeout(60):
            async with server.stream(paths[0]) as one, server.stream(paths[1]) as two, server.stream(paths[2]) as three:
                await server.until(lambda: server.service.hub.open_streams == 3)
                server.stop.set()
                bodies = [await connection.read_body() for connection in (one, two, three)]
            step.end()

    assert [body.endswith(b"retry: 1000\nevent: shutdown\ndata: {}\n\n") for body in bodies] == [True] * 3


async def test_an_idle_stream_ends_with_shutdown(open_server: OpenServer) -> None:
    async with open_server() as server, server.stream("/api/v1/events") as connection:
        await connection.read_chunks_until(b'{"runs":[]}\n\n')
        server.stop.set()

        rest = await connection.read_body()

    assert rest == b"retry: 1000\nevent: shutdown\ndata: {}\n\n"


@pytest.mark.parametrize("settings", [{"max_streams": 2}, {"max_streams_per_client": 2}])
async def test_a_stream_above_the_limit_is_refused_until_another_ends(
    open_server: OpenServer, settings: dict[str, int]
) -> None:
    async with open_server(**settings) as server:
        async with server.stream("/api/v1/events"), server.stream("/api/v1/events"):
            refused = await server.client.get("/api/v1/events")
            head = await server.client.head("/api/v1/events")
        await server.until(lambda: len(server.app.state.streams) == 0)
        async with server.stream("/api/v1/events") as connection:
            await connection.read_chunks_until(b'{"runs":[]}\n\n')

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/too-many-streams")
    assert refused.headers["retry-after"] == "5"
    assert head.status_code == 200


async def test_the_streams_of_a_session_end_when_it_logs_out(open_server: OpenServer) -> None:
    own = {"sec_fetch_site": "same-origin"}
    async with open_server(token=TOKEN) as server:
        await server.client.post("/login", data={"token": TOKEN}, headers={"sec-fetch-site": "same-origin"})
        ((name, session),) = server.client.cookies.items()
        async with (
            server.stream("/api/v1/events", cookie=f"{name}={session}", **own) as one,
            server.stream("/api/v1/events", authorization=f"Bearer {TOKEN}") as other,
        ):
            await one.read_chunks_until(b'{"runs":[]}\n\n')
            await server.client.post("/logout", headers={"sec-fetch-site": "same-origin"})
            rest = await one.read_body()
            left = len(server.app.state.streams)
            other.close()

    assert (rest, left) == (b"", 1)


async def test_a_stream_ends_when_its_session_expires(open_server: OpenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [datetime.now(UTC)]
    monkeypatch.setattr(
        "solorun.auth.authorization.Sessions", lambda store, secret, _: Sessions(store, secret, lambda: now[0])
    )
    limits = ServiceLimits(streams=StreamLimits(comment_interval_seconds=0.02))
    async with open_server(token=TOKEN, limits=limits) as server:
        await server.client.post("/login", data={"token": TOKEN}, headers={"sec-fetch-site": "same-origin"})
        ((name, session),) = server.client.cookies.items()
        async with server.stream("/api/v1/events", cookie=f"{name}={session}") as connection:
            await connection.read_chunks_until(b'{"runs":[]}\n\n')
            now[0] += timedelta(seconds=SESSION_SECONDS)
            rest = await connection.read_body()

    assert rest.strip(b": \n") == b""


async def test_a_stream_that_begins_during_the_shutdown_ends_with_shutdown(open_server: OpenServer) -> None:
    async with open_server() as server:
        run_id, step = await server.begin()
        step.unkillable = True
        server.stop.set()
        await step.stop_requested.wait()

        async with server.stream(f"/api/v1/runs/{run_id}/events") as connection:
            body = await connection.read_body()
        start = await server.client.post("/api/v1/projects/handbook/runs")
        ready = await server.client.get("/readyz")
        step.end()

    assert body == b": ok\n\nretry: 1000\nevent: shutdown\ndata: {}\n\n"
    assert (start.status_code, ready.status_code) == (503, 503)
