"""Connections that are slow, idle, too large, or not HTTP at all."""

import asyncio
import json
import logging
from contextlib import suppress

import pytest

from solorun.http.connection_limits import ConnectionLimits
from solorun.http.event_stream import StreamLimits
from solorun.http.sparse_log import SparseLog
from solorun.service import ServiceLimits
from tests.fakes.application import TOKEN
from tests.fakes.http_server import OpenServer, request_for

HEAD = b"POST /api/v1/projects/deploy/runs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


def problem_of(response: bytes) -> tuple[int, str]:
    head, _, body = response.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json\r\n" in head + b"\r\n"
    return int(head.split()[1]), json.loads(body)["type"]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n",
        b"GET /livez HTTP/1.1\r\nhost: loc",
        HEAD + b"content-length: 10\r\n\r\n{",
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nab",
    ],
    ids=["nothing", "a line end", "half a head", "half a body", "half a chunk"],
)
async def test_an_idle_connection_is_closed(open_server: OpenServer, sent: bytes) -> None:
    async with (
        open_server(limits=ServiceLimits(connections=ConnectionLimits(idle_timeout_seconds=0.05))) as server,
        server.connect(sent=sent) as connection,
    ):
        rest = await connection.read_to_close()

    assert rest == b""


async def test_a_connection_with_half_a_second_head_is_closed(open_server: OpenServer) -> None:
    limits = ServiceLimits(connections=ConnectionLimits(idle_timeout_seconds=0.05))
    async with open_server(limits=limits) as server, server.connect(sent=request_for("/livez")) as connection:
        await connection.read_until(b'{"status":"alive"}')
        await connection.send(b"GET /livez HT")
        rest = await connection.read_to_close()

    assert rest == b""


@pytest.mark.parametrize("head", [b"GET /livez HTTP/1.1\r\nx-slow: ", HEAD + b"content-length: 1000000\r\n\r\n"])
async def test_a_request_that_drips_in_is_closed(open_server: OpenServer, head: bytes) -> None:
    limits = ServiceLimits(connections=ConnectionLimits(idle_timeout_seconds=1, request_timeout_seconds=0.2))
    async with open_server(limits=limits) as server, server.connect(sent=head) as connection:
        closed = asyncio.create_task(connection.read_to_close())
        while not closed.done():
            with suppress(ConnectionError):
                await connection.send(b"x")
            await asyncio.sleep(0.01)

    assert closed.result() == b""


async def test_a_silent_stream_is_not_an_idle_connection(open_server: OpenServer) -> None:
    limits = ServiceLimits(
        connections=ConnectionLimits(idle_timeout_seconds=0.01), streams=StreamLimits(comment_interval_seconds=1.2)
    )
    async with (
        open_server(limits=limits) as server,
        server.stream("/api/v1/events") as connection,
    ):
        await connection.read_chunks_until(b"]}\n\n")

        chunk = await connection.read_chunk()

    assert chunk == b": \n\n"


@pytest.mark.parametrize("piece_bytes", [1000, 1_000_000])
@pytest.mark.parametrize("count", [34, 3000])
async def test_a_head_over_32_kib_is_refused(open_server: OpenServer, piece_bytes: int, count: int) -> None:
    head = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n" + b"".join(
        b"x-%d: %b\r\n" % (number, b"a" * 1000) for number in range(count)
    )
    async with open_server() as server, server.connect() as connection:
        sending = [head[start : start + piece_bytes] for start in range(0, len(head), piece_bytes)]
        for piece in sending[:40]:
            await connection.send(piece)

        response = await connection.read_until(b"}")

    assert problem_of(response) == (431, "/problems/too-large")


async def test_an_address_over_32_kib_is_refused(open_server: OpenServer) -> None:
    async with open_server() as server, server.connect() as connection:
        await connection.send(b"GET /" + b"a" * 40_000)

        response = await connection.read_until(b"}")

    assert problem_of(response) == (431, "/problems/too-large")


async def test_a_large_body_that_comes_with_its_head_does_not_count_as_head(open_server: OpenServer) -> None:
    body = b'{"scope":"nothing","params":{}}' + b" " * 200_000
    async with open_server() as server, server.connect() as connection:
        await connection.send(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)

        response = await connection.read_until(b"}]}")

    assert problem_of(response) == (422, "/problems/invalid-request")


async def test_the_head_limit_applies_to_each_request_of_a_connection(open_server: OpenServer) -> None:
    request = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx-a: %b\r\n\r\n" % (b"a" * 20_000)
    async with open_server() as server, server.connect() as connection:
        await connection.send(request * 3)

        responses = [await connection.read_until(b'{"status":"alive"}') for _ in range(3)]

    assert len(responses) == 3


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ten\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
)
async def test_malformed_requests_are_refused_with_a_problem(open_server: OpenServer, sent: bytes) -> None:
    async with open_server() as server, server.connect() as connection:
        await connection.send(sent)

        response = await connection.read_to_close()

    assert problem_of(response) == (400, "/problems/invalid-request")


async def test_malformed_requests_are_logged_at_most_once_a_second_with_the_address(
    open_server: OpenServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("solorun.server.protocol._refusals", SparseLog(logging.getLogger("solorun"), lambda: now[0]))
    async with open_server() as server:
        for count in (3, 1):
            for _ in range(count):
                async with server.connect(sent=b"nonsense\r\n\r\n") as connection:
                    await connection.read_to_close()
            now[0] += 1

    assert [entry.getMessage() for entry in caplog.records if entry.name == "solorun"] == [
        "Refused a malformed request from 127.0.0.1.",
        "Refused a malformed request from 127.0.0.1. (2 more since the last message)",
    ]


async def test_an_endless_body_is_refused_and_its_connection_closed(open_server: OpenServer) -> None:
    async with open_server() as server, server.connect() as connection:
        await connection.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        await connection.send(b"20000\r\n" + b" " * 0x20000 + b"\r\n")
        for _ in range(8):
            await connection.send(b"20000\r\n" + b" " * 0x20000 + b"\r\n")

        response = await connection.read_until(b"}")

    assert problem_of(response) == (413, "/problems/too-large")


@pytest.mark.parametrize("head", [b"POST /livez", b"POST /api/v1/projects/deploy/runs"])
async def test_endless_trailers_are_cut_off(open_server: OpenServer, head: bytes) -> None:
    async with open_server() as server, server.connect() as connection:
        await connection.send(head + b" HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n")
        await connection.send(b"x-b: b\r\n" * 8192)

        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await connection.read_until(b"no such response")


async def test_trailers_are_not_headers(open_server: OpenServer) -> None:
    body = b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    async with open_server(token=TOKEN) as server, server.connect() as connection:
        await connection.send(HEAD + body + b"authorization: Bearer %b\r\n\r\n" % TOKEN.encode())
        response = await connection.read_until(b"}")

    assert problem_of(response) == (401, "/problems/unauthorized")


async def test_a_request_without_a_host_is_refused(open_server: OpenServer) -> None:
    async with open_server() as server, server.connect() as connection:
        await connection.send(b"GET /livez HTTP/1.0\r\n\r\n")

        response = await connection.read_to_close()

    assert problem_of(response) == (403, "/problems/host-not-allowed")


async def test_a_request_as_nginx_forwards_it_by_default_needs_a_token(open_server: OpenServer) -> None:
    async with open_server() as server, server.connect() as connection:
        await connection.send(b"GET /livez HTTP/1.0\r\nhost: 127.0.0.1:8700\r\nconnection: close\r\n\r\n")

        response = await connection.read_to_close()

    assert problem_of(response) == (403, "/problems/token-required")


async def test_a_client_that_disconnects_during_its_body_logs_no_error(
    open_server: OpenServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_server() as server:
        async with server.connect() as connection:
            await connection.send(HEAD + b"content-length: 10\r\n\r\n{")
        alive = await server.client.get("/livez")

    assert alive.status_code == 200
    assert [entry for entry in caplog.records if entry.levelname == "ERROR"] == []


async def test_the_shutdown_closes_idle_connections(open_server: OpenServer) -> None:
    async with asyncio.timeout(30), open_server() as server, server.connect() as connection:
        await connection.get("/livez")
        await connection.read_until(b'{"status":"alive"}')

        server.stop.set()
        rest = await connection.read_to_close()

    assert rest == b""
