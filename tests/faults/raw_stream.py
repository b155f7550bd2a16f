"""Raw socket clients of the service, whose streams can be cut, stalled or abandoned."""

import asyncio
import contextlib
import socket

HEAD_END = b"\r\n\r\n"


async def open_stream(port: int, path: str, *, last_event_id: bytes = b"", receive_buffer: int = 0) -> socket.socket:
    """Connect and request a stream without reading from it."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await loop.sock_connect(sock, ("127.0.0.1", port))
    resume = b"Last-Event-ID: %b\r\n" % last_event_id if last_event_id else b""
    request = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%bConnection: close\r\n\r\n" % (path.encode(), port, resume)
    await loop.sock_sendall(sock, request)
    return sock


async def read_to_end(sock: socket.socket, seconds: float = 60) -> bytes:
    """Read until the connection ends."""
    loop = asyncio.get_running_loop()
    received = b""
    with sock, contextlib.suppress(ConnectionError):
        async with asyncio.timeout(seconds):
            while chunk := await loop.sock_recv(sock, 1 << 16):
                received += chunk
    return received


def has_received(sock: socket.socket) -> bool:
    """True once there is something to read."""
    with contextlib.suppress(BlockingIOError):
        return bool(sock.recv(1, socket.MSG_PEEK))
    return False


def complete_events(answer: bytes) -> list[tuple[int, bytes, bytes]]:
    """(id, event, data) of each complete event in a chunked response, parsed as the standard says."""
    body = _unchunk(answer.partition(HEAD_END)[2])
    events = []
    for block in body.split(b"\n\n")[:-1]:
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line and line[:1] != b":")
        if b"id" in fields:
            events.append((int(fields[b"id"]), fields[b"event"], fields[b"data"]))
    return events


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def _unchunk(body: bytes) -> bytes:
    whole = b""
    while body:
        size, separator, rest = body.partition(b"\r\n")
        if not separator:
            break
        length = int(size, 16)
        whole += rest[:length]
        body = rest[length + 2 :]
    return whole
