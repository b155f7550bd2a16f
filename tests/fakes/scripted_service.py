"""A real HTTP/1.1 server on a free loopback port with scripted responses, one per connection, in order.

It replaces the service where a test needs misbehaviour on demand: streams cut anywhere, silence, responses of other
programs.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from solorun.record import Level, Record, Stream
from solorun.run import Run
from solorun.status import Status
from solorun.wire.encoding import encode

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """The bytes to send. Then the connection is closed, or with `hang` kept open until the client closes it."""

    chunks: tuple[bytes, ...] = ()
    hang: bool = False


cut = Response()
"""Close without a response."""


@dataclass
class ScriptedService:
    """`requests` are the received requests in order. Without a response left, connections are closed."""

    url: str
    requests: list[Request] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first request has arrived."""
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has closed a connection that was kept open."""


@asynccontextmanager
async def scripted_service(answers: Iterable[Response]) -> AsyncGenerator[ScriptedService]:
    script = iter(answers)
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            request = await _read_request(reader)
            service.requests.append(request)
            service.asked.set()
            answer = next(script, cut)
            for chunk in answer.chunks:
                writer.write(chunk)
                await writer.drain()
            if answer.hang:
                await reader.read()
                service.hung_up.set()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    service = ScriptedService(f"http://{host}:{port}")
    try:
        yield service
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def events(*chunks: bytes, hang: bool = False) -> Response:
    """An event stream with these chunks."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    return Response((head, *chunks), hang)


def json_response(
    body: bytes, status: int = 200, media_type: str = "application/json", headers: tuple[str, ...] = ()
) -> Response:
    head = [
        f"HTTP/1.1 {status} Scripted",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return Response(("\r\n".join(head).encode() + b"\r\n\r\n" + body,))


def make_run(run_id: int = 17, status: Status = Status.RUNNING, *, last_seq: int = 0) -> Run:
    return Run(
        id=run_id,
        project="handbook",
        scope="full",
        status=status,
        triggered_by="api",
        params={},
        created_at=CREATED_AT,
        last_seq=last_seq,
    )


def make_records(first: int, last: int) -> list[Record]:
    return [
        Record(seq, CREATED_AT, Level.INFO, "extract", Stream.STDOUT, f"line {seq}") for seq in range(first, last + 1)
    ]


def records_event(first: int, last: int) -> bytes:
    return b"id: %d\nevent: records\ndata: %b\n\n" % (last, encode(make_records(first, last)))


def end_event(run: Run) -> bytes:
    return b"id: %d\nevent: end\ndata: %b\n\n" % (run.last_seq, encode(run))


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body)
