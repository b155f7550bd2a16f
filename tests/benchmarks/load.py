"""The clients of the measurements: raw connections, cheap enough to leave the server as the bottleneck."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Final, cast

BUFFER_BYTES: Final = 512 * 1024
RECEIVE_BYTES: Final = 1024 * 1024
LINE_FEEDS_PER_RECORD: Final = 4
LIMIT_SECONDS: Final = 60.0


class Requester(asyncio.Protocol):
    """Sends requests on one connection, each after the previous answer, until there are no more."""

    def __init__(self, requests: Iterator[bytes], status: int) -> None:
        self.answers = 0
        self.seconds: list[float] = []
        self.stopping = False
        self.stopped = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._expected = b"HTTP/1.1 %d " % status
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit from it
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        start = self._received.find(b"content-length: ") + 16
        length = int(self._received[start : self._received.index(b"\r", start)])
        if len(self._received) < head_end + 4 + length:
            return
        if not self._received.startswith(self._expected):
            self._stop(AssertionError(self._received.decode()))
            return
        self.answers += 1
        self.seconds.append(time.perf_counter() - self._sent_at)
        self._received = b""
        if self.stopping:
            self._stop(None)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop(ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        if (request := next(self._requests, None)) is None:
            self._stop(None)
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def _stop(self, error: Exception | None) -> None:
        if self.stopped.done():
            return
        if error is None:
            self.stopped.set_result(None)
        else:
            self.stopped.set_exception(error)
        self._transport.close()


def make_request(method: str, path: str, port: int, body: bytes = b"", *, key: str = "") -> bytes:
    """The bytes of a request, with an idempotency key if one is given."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    if key:
        head += f"Idempotency-Key: {key}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def hammer(port: int, request: bytes, *, status: int, seconds: float, connections: int = 16) -> list[float]:
    """The time each answer took, for all answers within `seconds`."""
    requesters = await _connect(port, repeat(request), status, connections)
    await asyncio.sleep(seconds)
    for requester in requesters:
        requester.stopping = True
    return await _stopped(requesters)


async def send_all(port: int, requests: Iterator[bytes], *, status: int, connections: int) -> list[float]:
    """The time each answer took. Several calls may take the requests from one iterator."""
    return await _stopped(await _connect(port, requests, status, connections))


async def _connect(port: int, requests: Iterator[bytes], status: int, connections: int) -> list[Requester]:
    loop = asyncio.get_running_loop()
    return [
        (await loop.create_connection(lambda: Requester(requests, status), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]


async def _stopped(requesters: list[Requester]) -> list[float]:
    async with asyncio.timeout(LIMIT_SECONDS):
        await asyncio.gather(*(requester.stopped for requester in requesters))
    return [taken for requester in requesters for taken in requester.seconds]


class StreamReader(asyncio.BufferedProtocol):
    """Counts the records of one event stream, and passes its bytes to `listen` if given.

    A record has four line feeds (id, event, data, and an empty line). Those of chunks and of the head follow a carriage
    return, which no record contains. Counting both needs no parsing.
    """

    _buffer = bytearray(BUFFER_BYTES)

    def __init__(self, request: bytes, listen: Callable[[bytes], None] | None = None) -> None:
        self.line_feeds = 0
        self.received = 0
        self.tail = b""
        self._request = request
        self.listen = listen
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit from it
        self.transport.write(self._request)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        buffer = self._buffer
        self.received += nbytes
        self.line_feeds += buffer.count(10, 0, nbytes) - buffer.count(13, 0, nbytes)
        self.tail = (self.tail + bytes(buffer[max(0, nbytes - 64) : nbytes]))[-64:]
        if self.listen is not None:
            self.listen(bytes(buffer[:nbytes]))
        self._check_conditions()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._check_conditions()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the received data meets a condition."""
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((condition, future))
        async with asyncio.timeout(LIMIT_SECONDS):
            await future

    def _check_conditions(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for condition, future in waiting:
            if future.done():
                continue
            if condition():
                future.set_result(None)
            elif self.lost:
                future.set_exception(ConnectionError(f"the stream ended after {self.line_feeds} lines: {self.tail!r}"))
            else:
                self._waiting.append((condition, future))


async def open_streams(
    port: int,
    path: str,
    number: int,
    *,
    listen: Callable[[bytes], None] | None = None,
    receive_bytes: int = RECEIVE_BYTES,
) -> list[StreamReader]:
    """Open streams, and wait until each has received its first bytes. `listen` gets the bytes of the first stream."""
    loop = asyncio.get_running_loop()
    request = make_request("GET", path, port)
    readers: list[StreamReader] = []
    for index in range(number):
        reader = StreamReader(request, listen if index == 0 else None)
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.create_connection(lambda reader=reader: reader, sock=sock)  # type: ignore[misc]
        readers.append(reader)
    for reader in readers:
        await reader.until(lambda reader=reader: reader.line_feeds > 0)  # type: ignore[misc]
    return readers


async def close_streams(readers: Sequence[StreamReader]) -> None:
    for reader in readers:
        reader.transport.abort()
    await asyncio.sleep(0)
