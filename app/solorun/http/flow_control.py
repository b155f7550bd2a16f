"""Backpressure for streamed bodies: whether the reader keeps up, and a way to write without waiting."""

from collections.abc import Callable
from typing import Final

from starlette.types import Scope, Send

FLOW_EXTENSION: Final = "solorun.flow"
"""An ASGI extension of our own server.

`is_full()`: whether the next `send` would wait for the reader. `write(piece)`: sends a piece of a body of unknown
length like `send`, but never waits, and frames a piece that goes to many readers only once."""

_NOTHING: Final = {"type": "http.response.body", "body": b"", "more_body": True}
"""Sends no bytes, but waits while the buffer is full, as every send does."""


class Flow:
    """Writes one body of unknown length. Without the extension every piece goes through `send`."""

    def __init__(self, scope: Scope, send: Send) -> None:
        extension = scope.get("extensions", {}).get(FLOW_EXTENSION, {})
        self.is_full: Callable[[], bool] = extension.get("is_full", lambda: False)
        self._write: Callable[[bytes | memoryview], None] | None = extension.get("write")
        self._send = send

    def send_nowait(self, piece: bytes | memoryview) -> bool:
        """Send a piece unless that would wait. Returns whether it was sent."""
        if self._write is None or self.is_full():
            return False
        self._write(piece)
        return True

    async def send(self, piece: bytes | memoryview) -> None:
        """Send a piece, waiting until the reader makes room for it."""
        if not self.send_nowait(piece):
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def wait(self) -> None:
        """Wait until there is room."""
        await self._send(_NOTHING)
