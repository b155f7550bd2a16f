"""Readers that are slow, stalled, or gone while the service sends a response."""

import asyncio
import os

import pytest

from solorun.http.connection_limits import ConnectionLimits
from solorun.http.event_stream import StreamLimits
from solorun.server.protocol import LimitedProtocol
from solorun.service import ServiceLimits
from tests.fakes.http_server import OpenServer, request_for


async def test_a_download_ends_if_its_reader_disconnects(open_server: OpenServer) -> None:
    async with open_server() as server:
        run_id, step = await server.begin()
        (step.context.artifacts / "large").write_bytes(bytes(8_000_000))
        before = len(os.listdir("/proc/self/fd"))

        async with server.connect(receive_buffer=4096) as connection:
            await connection.get(f"/api/v1/runs/{run_id}/artifacts/large")
            await connection.read_until(b"\r\n\r\n")
        await server.until(lambda: len(os.listdir("/proc/self/fd")) <= before)

        step.end()


async def test_a_download_to_a_stalled_reader_is_cut_off(open_server: OpenServer) -> None:
    async with open_server(limits=ServiceLimits(streams=StreamLimits(send_timeout_seconds=0.05))) as server:
        run_id, step = await server.begin()
        (step.context.artifacts / "large").write_bytes(bytes(8_000_000))
        before = len(os.listdir("/proc/self/fd"))

        async with server.connect(receive_buffer=4096) as connection:
            await connection.get(f"/api/v1/runs/{run_id}/artifacts/large")
            await server.until(lambda: len(os.listdir("/proc/self/fd")) > before + 1)
            # Only the test's side of the connection is left.
            await server.until(lambda: len(os.listdir("/proc/self/fd")) <= before + 1)

        step.end()


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ports of the clients that the server has disconnected."""
    ports: list[int] = []
    connection_lost = LimitedProtocol.connection_lost

    def noted(self: LimitedProtocol, exc: Exception | None) -> None:
        assert self.client is not None
        ports.append(self.client[1])
        connection_lost(self, exc)

    monkeypatch.setattr(LimitedProtocol, "connection_lost", noted)
    return ports


@pytest.fixture
def large_response(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What `/livez` responds."""
    body = b"x" * 2_000_000 + b"."
    monkeypatch.setattr("solorun.api.health._ALIVE", body)
    return body


@pytest.mark.usefixtures("large_response")
@pytest.mark.parametrize("requests", [1, 3])
async def test_a_reader_that_takes_nothing_of_a_plain_response_is_cut_off(
    open_server: OpenServer, lost: list[int], requests: int
) -> None:
    limits = ServiceLimits(connections=ConnectionLimits(idle_timeout_seconds=0.01, send_timeout_seconds=0.05))
    sent = request_for("/livez") * requests
    async with open_server(limits=limits) as server, server.connect(receive_buffer=4096, sent=sent) as connection:
        await server.until(lambda: connection.port in lost)


async def test_a_slow_reader_of_a_plain_response_gets_all_of_it(open_server: OpenServer, large_response: bytes) -> None:
    # The server closes the connection before all is sent.
    limits = ServiceLimits(connections=ConnectionLimits(idle_timeout_seconds=0.01, keep_alive_seconds=0))
    request = request_for("/livez")
    async with open_server(limits=limits) as server, server.connect(receive_buffer=4096, sent=request) as connection:
        await asyncio.sleep(0.1)
        response = await connection.read_to_close()

    assert response.endswith(large_response)


@pytest.mark.usefixtures("large_response")
async def test_unread_responses_are_bounded_in_all_and_the_oldest_goes_first(open_server: OpenServer) -> None:
    async with (
        open_server(limits=ServiceLimits(connections=ConnectionLimits(max_unread_bytes=2_100_000))) as server,
        server.connect(receive_buffer=4096) as first,
        server.connect(receive_buffer=4096) as second,
    ):
        await first.get("/livez")
        await first.read_until(b"\r\n\r\n")
        await second.get("/livez", connection="close")
        cut = await first.read_to_close()
        whole = await second.read_to_close()

    assert (cut.endswith(b"."), whole.endswith(b".")) == (False, True)


async def test_a_stalled_reader_does_not_delay_the_shutdown(
    open_server: OpenServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(30), open_server() as server:
        run_id, step = await server.begin()
        (step.context.artifacts / "large").write_bytes(bytes(8_000_000))

        async with server.connect(receive_buffer=4096) as connection:
            await connection.get(f"/api/v1/runs/{run_id}/artifacts/large")
            await connection.read_until(b"\r\n\r\n")
            server.stop.set()
            await server.stopped()

    assert [entry.getMessage() for entry in caplog.records if entry.levelname == "ERROR"] == []
