"""How an answer's body reaches its reader: how much it takes, and a way past what the server does for each piece."""

from collections.abc import Callable
from typing import Final

from starlette.types import Scope, Send

FLOW_EXTENSION: Final = "solorun.flow"
"""The ASGI extension by which the server says how a reader keeps up, and takes more for it.

`is_full()`: whether the next `send` would have to wait for the reader. `untaken_bytes()`: how much of what was sent it
has yet to take, the kernel's buffers included. `write(piece)`: sends a piece of a body of unknown length as `send`
does, but does not wait, and does not copy what is the same for many readers."""

_NOTHING: Final = {"type": "http.response.body", "body": b"", "more_body": True}
"""Sends no byte, but when the buffer is full waits as every send does."""


class Flow:
    """The way of one body of unknown length, once its answer has begun. Without the extension everything goes by
    `send`."""

    def __init__(self, scope: Scope, send: Send) -> None:
        extension = scope.get("extensions", {}).get(FLOW_EXTENSION, {})
        self.is_full: Callable[[], bool] = extension.get("is_full", lambda: False)
        self.untaken_bytes: Callable[[], int] = extension.get("untaken_bytes", lambda: 0)
        self._write: Callable[[bytes | memoryview], None] | None = extension.get("write")
        self._send = send

    def send_nowait(self, piece: bytes | memoryview) -> bool:
        """Send a piece if that takes no waiting; whether it was sent."""
        if self._write is None or self.is_full():
            return False
        self._write(piece)
        return True

    async def send(self, piece: bytes | memoryview) -> None:
        """Send a piece, however long the reader takes to make room for it."""
        if not self.send_nowait(piece):
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def wait(self) -> None:
        """Wait until there is room."""
        await self._send(_NOTHING)
