"""HTTP/1.1 with limits that uvicorn's own protocol lacks: on the size of a head, and on idle connections.

Without them, a connection may stay idle forever before its first request, and a head of 100 MiB is accepted.
"""

import asyncio
import logging
import math
import sys
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from solorun.http.connection_limits import ConnectionLimits
from solorun.http.flow_control import FLOW_EXTENSION
from solorun.http.responses import ABORT_EXTENSION, HEAD_LINES_EXTENSION
from solorun.http.sparse_log import SparseLog
from solorun.server.raw_responses import BAD_REQUEST, HEAD_TOO_LARGE
from solorun.server.stalled_readers import StalledReaders
from solorun.server.transport import CoalescingTransport

MAX_HEAD_BYTES: Final = 32 * 1024
WRITE_BUFFER_BYTES: Final = 16 * 1024
"""How much may be buffered for a reader before a send waits, in addition to the kernel's own buffers."""

_refusals = SparseLog(logging.getLogger("solorun.server"))
_uvicorn = logging.getLogger("uvicorn.error.protocol")
# Uvicorn warns of every malformed request, without its address.
_uvicorn.setLevel(logging.ERROR)


class LimitedProtocol(HttpToolsProtocol):
    """One connection.

    A request's head must be complete within `idle_timeout_seconds` and 32 KiB, and its body must not pause for longer.
    The whole request must arrive within `request_timeout_seconds`. Between requests uvicorn's own keep-alive limit
    applies. A client that reads nothing of a response for `send_timeout_seconds` is disconnected.
    """

    def __init__(
        self,
        *args: Any,
        stalled_readers: StalledReaders,
        limits: ConnectionLimits,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._stalled_readers = stalled_readers
        self.logger = _uvicorn
        self._limits = limits
        self._waiting_since: float | None = None
        """Since when we have been waiting for the client to send bytes; None while we are not."""
        self._receiving_since = 0.0
        """Since when we have been waiting for the rest of the request."""
        self._head_bytes = 0
        self._in_head = True
        self._heads = 0
        self._bytes_since_body = 0
        """What followed a head without being part of its body: sizes of chunks, and trailers."""
        self._unread_bytes = 0
        self._progress_at = 0.0
        """When the client last read, or had nothing to read."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        coalescing = CoalescingTransport(transport, self.loop)
        super().connection_made(coalescing)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        flow: FlowControl = self.flow
        self._extensions: dict[str, dict[str, Any]] = {
            ABORT_EXTENSION: {"abort": self.transport.abort},
            FLOW_EXTENSION: {"is_full": lambda: flow.write_paused, "write": coalescing.write_chunk},
            HEAD_LINES_EXTENSION: {"add": coalescing.add_to_next_head},
        }
        self._waiting_since = self._receiving_since = self.loop.time()
        self._schedule_check()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._stalled_readers.discard(self.transport)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled_readers.add(self.transport, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._stalled_readers.discard(self.transport)
        self._progress_at = self.loop.time()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._waiting_since is None and (self.cycle is None or self.cycle.response_complete):
            self._waiting_since = self._receiving_since = self.loop.time()
        while self._in_head and len(data) > MAX_HEAD_BYTES - self._head_bytes:
            # One read may contain a head and its body, or several requests: only this head counts.
            room, head = MAX_HEAD_BYTES - self._head_bytes, self._heads
            super().data_received(data[:room])
            if self.transport.is_closing():
                return
            if self._in_head and self._heads == head:
                self._refuse(HEAD_TOO_LARGE, "a request with too large headers")
                return
            data = data[room:]
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._bytes_since_body += len(data)
        super().data_received(data)
        if self._bytes_since_body > MAX_HEAD_BYTES:
            # The parser reads them to their end, even if the response has already been sent.
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._waiting_since is None:
            self._waiting_since = self._receiving_since = self.loop.time()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._waiting_since = self.loop.time()
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            _delimit_by_close(self.cycle)
            flow = {**self._extensions[FLOW_EXTENSION], "write": self.transport.write}
            self.scope["extensions"] = {**self._extensions, FLOW_EXTENSION: flow}  # type: ignore[dict-item]
        # Trailers are dropped: the request must not change after it has been checked.
        self.headers = []

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

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's message is not a problem (RFC 9457)
        self._refuse(BAD_REQUEST, "a malformed request")

    def _refuse(self, response: bytes, reason: str) -> None:
        """Respond and close, unless the response to an earlier request is in progress: then only close."""
        _refusals.warning("Refused %s from %s.", reason, self.client[0] if self.client else "an unknown address")
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(response)
        self.transport.close()

    def _schedule_check(self) -> None:
        """Check in time, on a whole second, so that one wake-up serves all such connections."""
        due_at = math.floor(self.loop.time() + self._limits.idle_timeout_seconds)
        self._timer = self.loop.call_at(due_at, self._check_idle)

    def _check_idle(self) -> None:
        if self._has_stalled():
            self.transport.abort()
            return
        if self._waiting_since is None or self.transport.is_closing():
            self._schedule_check()
            return
        now = self.loop.time()
        flow: FlowControl = self.flow
        if flow.read_paused:
            # The client waits for us.
            self._waiting_since = self._receiving_since = now
        due_at = min(
            self._waiting_since + self._limits.idle_timeout_seconds,
            self._receiving_since + self._limits.request_timeout_seconds,
        )
        if due_at <= now:
            self.transport.abort()
            return
        self._timer = self.loop.call_at(due_at, self._check_idle)

    def _has_stalled(self) -> bool:
        """Whether the client has read nothing for too long. Streamed responses have the same limit themselves."""
        now, unread_bytes = self.loop.time(), self.transport.get_write_buffer_size()
        cycle, is_closing = self.cycle, self.transport.is_closing()
        is_streaming = cycle is not None and cycle.response_started and not cycle.response_complete and not is_closing
        if is_streaming or self._unread_bytes == 0 or unread_bytes < self._unread_bytes:
            self._progress_at = now
        self._unread_bytes = unread_bytes
        return now - self._progress_at > self._limits.send_timeout_seconds


def _delimit_by_close(cycle: RequestResponseCycle) -> None:
    """Send bodies of unknown length without chunks, which HTTP/1.0 lacks: they end with the connection."""
    send, is_unknown = cycle.send, False

    async def send_unchunked(message: Any) -> None:
        nonlocal is_unknown
        if message["type"] == "http.response.start":
            is_unknown = all(name != b"content-length" for name, _ in message["headers"])
            if is_unknown:
                cycle.chunked_encoding, cycle.expected_content_length = False, sys.maxsize
        elif is_unknown and not message.get("more_body", False):
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    cycle.send = send_unchunked  # type: ignore[method-assign]
