"""Responses: a status, headers and bytes, or bytes that are produced while they are sent."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, Protocol

import anyio
from starlette.types import Receive, Scope, Send

from solorun.http.flow_control import Flow
from solorun.wire.encoding import encode

Header = tuple[bytes, bytes]

JSON: Final = b"application/json"
NDJSON: Final = b"application/x-ndjson"
TEXT: Final = b"text/plain; charset=utf-8"
HTML: Final = b"text/html; charset=utf-8"

MAX_PIECE_BYTES: Final = 64 * 1024
SEND_TIMEOUT_SECONDS: Final = 30.0
"""How long a reader may accept nothing before it is disconnected."""

ABORT_EXTENSION: Final = "solorun.abort"
"""An ASGI extension of our own server: `abort()` drops the connection and whatever it has buffered."""
HEAD_LINES_EXTENSION: Final = "solorun.head_lines"
"""An ASGI extension of our own server: `add(lines)` puts encoded header lines into the next head. The server checks and
copies each header of each response, and most of ours never change."""


class Response:
    """A complete response. The body of a HEAD response is left out; its length is not.

    Starlette's own would cost 3 % of the refused starts per CPU-second.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, body: bytes = b"", *, status: int = 200, media_type: bytes = JSON, headers: Iterable[Header] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.headers = [(b"content-type", media_type), *headers]
        if status != 304:  # There the length would be that of the body which is not sent.
            self.headers.append((b"content-length", b"%d" % len(body)))

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self.body})


class Chunks(Protocol):
    """An iterator of bytes. It is closed when the response ends, even if nothing was read from it."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class StreamingResponse:
    """A response whose body is produced while it is sent, in chunks of any size.

    A reader that accepts nothing for `send_timeout_seconds` is disconnected. If the chunks fail, so is the reader:
    otherwise it would take the part for the whole.
    """

    __slots__ = ("_chunks", "_has_length", "_headers", "_send_timeout_seconds", "_status")

    def __init__(
        self,
        chunks: Chunks,
        *,
        status: int = 200,
        media_type: bytes,
        headers: Iterable[Header] = (),
        send_timeout_seconds: float = SEND_TIMEOUT_SECONDS,
    ) -> None:
        self._chunks = chunks
        self._status = status
        self._headers = [(b"content-type", media_type), *headers]
        self._has_length = any(name == b"content-length" for name, _ in self._headers)
        self._send_timeout_seconds = send_timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        flow = Flow({} if self._has_length else scope, send)
        gone = asyncio.create_task(wait_for_disconnect(receive))
        try:
            if scope["method"] != "HEAD":
                async for chunk in self._chunks:
                    for piece in pieces(chunk):
                        if gone.done() or not await self._send_in_time(flow, piece):
                            await cut_off(scope)
                            return
                        await asyncio.sleep(0)
        finally:
            gone.cancel()
            await self._chunks.aclose()
        await send({"type": "http.response.body", "body": b""})

    async def _send_in_time(self, flow: Flow, piece: bytes | memoryview) -> bool:
        if flow.send_nowait(piece):
            return True
        with anyio.move_on_after(self._send_timeout_seconds):
            await flow.send(piece)
            return True
        return False


def json_response(value: Any, *, status: int = 200, headers: Iterable[Header] = ()) -> Response:
    return Response(encode(value), status=status, headers=headers)


def redirect(location: str, *, headers: Iterable[Header] = ()) -> Response:
    """See Other: the client follows with a GET, whatever the method was."""
    return Response(status=303, media_type=TEXT, headers=[(b"location", location.encode("ascii")), *headers])


def pieces(chunk: bytes) -> Iterable[bytes | memoryview]:
    """`chunk` in parts of at most 64 KiB, without copying."""
    if len(chunk) <= MAX_PIECE_BYTES:
        return (chunk,)
    view = memoryview(chunk)
    return [view[start : start + MAX_PIECE_BYTES] for start in range(0, len(view), MAX_PIECE_BYTES)]


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has closed the connection. Anything else it sends is discarded."""
    while (await receive())["type"] != "http.disconnect":
        pass


def abort(scope: Scope) -> bool:
    """Drop the connection and whatever it has buffered. False if the server cannot do that."""
    extension = scope.get("extensions", {}).get(ABORT_EXTENSION)
    if extension is None:
        return False
    extension["abort"]()
    return True


async def cut_off(scope: Scope) -> bool:
    """Abort, and let the server notice before it complains that the response is incomplete."""
    aborted = abort(scope)
    await asyncio.sleep(0)
    return aborted
