"""The servers that the service is compared with: what the machine and its libraries can do without it.

`python -m tests.benchmarks.limits KIND [ARGUMENT]` serves one of them and prints its port.
"""

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

import uvicorn
import uvloop

from tests.benchmarks.samples import make_lines

BLOCK_BYTES: Final = 64 * 1024
TICK_SECONDS: Final = 0.001

_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n"
_END: Final = b"event: end\ndata: {}\nid: 0\n\n"


def sse_events(number: int) -> list[bytes]:
    """Records as the service's streams send them."""
    lines = make_lines()
    return [
        b'id: %d\nevent: log\ndata: {"seq":%d,"time":"2026-11-23T12:00:00.123456Z","level":"info","step":"work",'
        b'"stream":"step","message":"%b"}\n\n' % (seq, seq, lines[seq % len(lines)].encode())
        for seq in range(1, number + 1)
    ]


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """The smallest uvicorn application."""
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"13")],
        }
    )
    await send({"type": "http.response.body", "body": b"Hello, world!"})


class Broadcast(asyncio.Protocol):
    """Writes to all its streams without chunks, framework or database."""

    streams: Final[list["Broadcast"]] = []
    events: Final[list[bytes]] = []
    running: Final[set[asyncio.Task[None]]] = set()

    def __init__(self) -> None:
        self._can_write = asyncio.Event()
        self._can_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit from it

    def data_received(self, data: bytes) -> None:
        address = urlsplit(data.split()[1].decode())
        if address.path == "/stream":
            self.transport.write(_HEAD + b": ok\n\n")
            self.streams.append(self)
            return
        wanted = {name: float(value) for name, (value,) in parse_qs(address.query).items()}
        works: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
            "/flood": _flood,
            "/pace": _pace,
            "/clock": _clock,
        }
        work = works[address.path]
        task = asyncio.get_running_loop().create_task(work(list(self.streams), **wanted))
        self.running.add(task)
        self.streams.clear()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    async def flood(self, blocks: list[bytes]) -> None:
        for block in blocks:
            await self._can_write.wait()
            self.transport.write(block)
            await asyncio.sleep(0)


async def _flood(streams: list[Broadcast], count: float) -> None:
    events = [*Broadcast.events[: int(count)], _END]
    per_block = max(1, BLOCK_BYTES // len(events[0]))
    blocks = [b"".join(events[start : start + per_block]) for start in range(0, len(events), per_block)]
    await asyncio.gather(*(stream.flood(blocks) for stream in streams))


async def _pace(streams: list[Broadcast], count: float, rate: float) -> None:
    began, sent = time.monotonic(), 0
    while sent < count:
        due = min(int(count), int((time.monotonic() - began) * rate) + 1)
        for event in Broadcast.events[sent:due]:
            for stream in streams:
                stream.transport.write(event)
        sent = due
        await asyncio.sleep(TICK_SECONDS)
    for stream in streams:
        stream.transport.write(_END)


async def _clock(streams: list[Broadcast], count: float) -> None:
    for seq in range(1, int(count) + 1):
        await asyncio.sleep(0.15)
        event = b'id: %d\nevent: log\ndata: {"message":"at %r "}\n\n' % (seq, time.monotonic())
        for stream in streams:
            stream.transport.write(event)


def _listen() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listening.getsockname()[1], flush=True)
    return listening


def _serve_hello() -> None:
    config = uvicorn.Config(hello, log_config=None, access_log=False, lifespan="off", ws="none")
    uvicorn.Server(config).run([_listen()])


def _serve_broadcast(number: str) -> None:
    async def serve() -> None:
        Broadcast.events.extend(sse_events(int(number)))
        server = await asyncio.get_running_loop().create_server(Broadcast, sock=_listen())
        await server.serve_forever()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


def _serve_file(path: str) -> None:
    """Answers every request with a file by sendfile, and closes the connection at its end."""
    listening = _listen()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_send_file, args=(connection, Path(path), head), daemon=True).start()


def _send_file(connection: socket.socket, path: Path, head: bytes) -> None:
    with connection, path.open("rb") as file:
        connection.recv(65536)
        connection.sendall(head)
        offset, size = 0, os.fstat(file.fileno()).st_size
        while offset < size:
            offset += os.sendfile(connection.fileno(), file.fileno(), offset, size - offset)


def _serve_queues(number: str) -> None:
    """sse-starlette with a queue for each stream, as in its examples."""
    from sse_starlette import EventSourceResponse  # type: ignore[import-not-found, unused-ignore]

    events = [
        {"id": str(seq), "event": "log", "data": event.partition(b"data: ")[2].strip().decode()}
        for seq, event in enumerate(sse_events(int(number)), start=1)
    ]
    queues: list[asyncio.Queue[dict[str, str]]] = []
    running: set[asyncio.Task[None]] = set()

    async def read(queue: "asyncio.Queue[dict[str, str]]") -> AsyncIterator[dict[str, str]]:
        yield {"comment": "ok"}
        while True:
            yield await queue.get()

    async def pace(rate: float) -> None:
        began, sent = time.monotonic(), 0
        while sent < len(events):
            due = min(len(events), int((time.monotonic() - began) * rate) + 1)
            for event in events[sent:due]:
                for queue in queues:
                    queue.put_nowait(event)
            sent = due
            await asyncio.sleep(TICK_SECONDS)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/stream":
            queues.append(asyncio.Queue())
            await EventSourceResponse(read(queues[-1]), sep="\n")(scope, receive, send)
            return
        rate = float(parse_qs(scope["query_string"].decode())["rate"][0])
        running.add(asyncio.get_running_loop().create_task(pace(rate)))
        await hello(scope, receive, send)

    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
    uvicorn.Server(config).run([_listen()])


KINDS: Final[Mapping[str, Callable[..., None]]] = {
    "hello": _serve_hello,
    "broadcast": _serve_broadcast,
    "file": _serve_file,
    "queues": _serve_queues,
}


def _exit_with_parent() -> None:
    """The kernel closes the pipe when the process that started this one ends."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    KINDS[sys.argv[1]](*sys.argv[2:])
