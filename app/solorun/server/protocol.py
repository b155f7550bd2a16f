"""HTTP/1.1 with the limits that uvicorn's own protocol lacks: on the size of a head, and on silence.

Without them a silent connection lives for ever before its first request, and a head of 100 MiB is accepted.
"""

import asyncio
import math
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from solorun.http.flow_control import FLOW_EXTENSION
from solorun.http.responses import ABORT_EXTENSION, HEAD_LINES_EXTENSION, SEND_TIMEOUT_SECONDS
from solorun.server.raw_responses import BAD_REQUEST, HEAD_TOO_LARGE
from solorun.server.transport import CoalescingTransport

MAX_HEAD_BYTES: Final = 32 * 1024
IDLE_TIMEOUT_SECONDS: Final = 10.0
WRITE_BUFFER_BYTES: Final = 16 * 1024
"""What a reader has not taken when it is waited for; the kernel's own buffers come on top."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection.

    A request's head must be whole within 10 s and 32 KiB, and of its body something must come every 10 s. Between
    requests uvicorn's own keep-alive limit holds; while we answer, nobody has to say anything.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting_since: float | None = None
        """Since when the client owes us bytes; None while it does not."""
        self._head_bytes = 0
        self._in_head = True
        self._heads = 0
        self._bytes_since_body = 0
        """What came behind a head and is not its body: the sizes of chunks, and trailers."""
        self._look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        gathering = CoalescingTransport(transport, self.loop)
        super().connection_made(gathering)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._extensions = {
            ABORT_EXTENSION: {"abort": self.transport.abort},
            FLOW_EXTENSION: {
                "is_full": self._is_full,
                "untaken_bytes": gathering.count_untaken_bytes,
                "write": gathering.write_chunk,
            },
            HEAD_LINES_EXTENSION: {"add": gathering.add_to_next_head},
        }
        self._waiting_since = self.loop.time()
        self._look_on_the_second()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._waiting_since is None and (self.cycle is None or self.cycle.response_complete):
            self._waiting_since = self.loop.time()
        while self._in_head and len(data) > MAX_HEAD_BYTES - self._head_bytes:
            # What comes at once may hold a head and its body, or several requests: only this head counts.
            room, head = MAX_HEAD_BYTES - self._head_bytes, self._heads
            super().data_received(data[:room])
            if self.transport.is_closing():
                return
            if self._in_head and self._heads == head:
                self._refuse(HEAD_TOO_LARGE)
                return
            data = data[room:]
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._bytes_since_body += len(data)
        super().data_received(data)
        if self._bytes_since_body > MAX_HEAD_BYTES:
            # Trailers are kept as headers are, also when the request is answered already.
            self.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._waiting_since is None:
            self._waiting_since = self.loop.time()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._waiting_since = self.loop.time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._waiting_since = self.loop.time()
        self._bytes_since_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._heads += 1
        self._head_bytes = self._bytes_since_body = 0
        self._waiting_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words are not a problem (RFC 9457)
        self._refuse(BAD_REQUEST)

    def abort(self) -> None:
        """Close now, whatever is still to be sent."""
        self.transport.abort()

    def _refuse(self, refusal: bytes) -> None:
        """Response and close, unless an answer to an earlier request is under way: then only close."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(refusal)
        self.transport.close()

    def _look_for_silence(self) -> None:
        if self.transport.is_closing():
            # What was written last may wait for a reader that takes nothing.
            self._look = self.loop.call_later(SEND_TIMEOUT_SECONDS, self.transport.abort)
            return
        now = self.loop.time()
        since = self._waiting_since
        if since is None:
            # Nobody owes us anything.
            self._look_on_the_second()
            return
        owed_seconds = since + IDLE_TIMEOUT_SECONDS - now
        if owed_seconds <= 0 and not self._is_held_back():
            self.transport.abort()
            return
        self._look = self.loop.call_later(owed_seconds if owed_seconds > 0 else 1.0, self._look_for_silence)

    def _look_on_the_second(self) -> None:
        """Look again soon enough; on a whole second, so that one waking up serves all such connections."""
        self._look = self.loop.call_at(math.floor(self.loop.time() + IDLE_TIMEOUT_SECONDS), self._look_for_silence)

    def _is_full(self) -> bool:
        """Whether the reader has yet to take what was written."""
        flow: FlowControl = self.flow
        return flow.write_paused

    def _is_held_back(self) -> bool:
        """Whether it is we who do not read."""
        flow: FlowControl = self.flow
        return flow.read_paused
