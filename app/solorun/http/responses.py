"""Answers: a status, headers and bytes, or bytes that are made while they are sent. Plain ASGI, no more than needed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, Protocol

from starlette.types import Receive, Scope, Send

from solorun.http.flow_control import Flow
from solorun.wire import encode

Header = tuple[bytes, bytes]

JSON: Final = b"application/json"
NDJSON: Final = b"application/x-ndjson"
TEXT: Final = b"text/plain; charset=utf-8"
HTML: Final = b"text/html; charset=utf-8"

MAX_PIECE_BYTES: Final = 64 * 1024
SEND_TIMEOUT_SECONDS: Final = 30.0
"""How long a reader may take nothing before it is disconnected."""

ABORT_EXTENSION: Final = "solorun.abort"
"""The ASGI extension by which the server lets us drop a connection together with what it has buffered."""
HEAD_LINES_EXTENSION: Final = "solorun.head_lines"
"""The ASGI extension by which the server takes header lines that are ready made: it checks and copies every header of
every answer, and most of ours are always the same."""


class Response:
    """A whole answer. Safe to send to a HEAD: then its body is only counted."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, body: bytes = b"", *, status: int = 200, media_type: bytes = JSON, headers: Iterable[Header] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.headers = [(b"content-type", media_type), (b"content-length", b"%d" % len(body)), *headers]

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self.body})


class Chunks(Protocol):
    """Bytes as they come; closed when the answer is over, also when none was asked for."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class StreamingResponse:
    """An answer whose bytes come while it is sent, in chunks of any size.

    A reader that takes nothing for 30 s loses its connection. When the chunks end with an error the connection is cut
    as well, so that nobody takes the part for the whole.
    """

    __slots__ = ("chunks", "has_length", "headers")

    def __init__(self, chunks: Chunks, *, media_type: bytes, headers: Iterable[Header] = ()) -> None:
        self.chunks = chunks
        self.headers = [(b"content-type", media_type), *headers]
        self.has_length = any(name == b"content-length" for name, _ in self.headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        flow = Flow({} if self.has_length else scope, send)
        gone = asyncio.create_task(wait_for_disconnect(receive))
        try:
            if scope["method"] != "HEAD":
                async for chunk in self.chunks:
                    for piece in pieces(chunk):
                        if gone.done() or not await _send_in_time(flow, piece):
                            await cut_off(scope)
                            return
                        await asyncio.sleep(0)
        finally:
            gone.cancel()
            await self.chunks.aclose()
        await send({"type": "http.response.body", "body": b""})


def json_response(value: Any, *, status: int = 200, headers: Iterable[Header] = ()) -> Response:
    return Response(encode(value), status=status, headers=headers)


def redirect(location: str, *, headers: Iterable[Header] = ()) -> Response:
    """See Other: whatever the method was, the next one is GET."""
    return Response(status=303, media_type=TEXT, headers=[(b"location", location.encode("ascii")), *headers])


def pieces(chunk: bytes) -> Iterable[bytes | memoryview]:
    """`chunk` in parts of at most 64 KiB, none of them a copy."""
    if len(chunk) <= MAX_PIECE_BYTES:
        return (chunk,)
    view = memoryview(chunk)
    return [view[start : start + MAX_PIECE_BYTES] for start in range(0, len(view), MAX_PIECE_BYTES)]


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has closed the connection. What it still sends is thrown away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def abort(scope: Scope) -> bool:
    """Drop the connection and what it has buffered. False when the server does not know how."""
    extension = scope.get("extensions", {}).get(ABORT_EXTENSION)
    if extension is None:
        return False
    extension["abort"]()
    return True


async def cut_off(scope: Scope) -> bool:
    """Abort, and let the server notice before it wonders why the answer was never finished."""
    aborted = abort(scope)
    await asyncio.sleep(0)
    return aborted


async def _send_in_time(flow: Flow, piece: bytes | memoryview) -> bool:
    if flow.send_nowait(piece):
        return True
    try:
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            await flow.send(piece)
    except TimeoutError:
        return False
    return True
