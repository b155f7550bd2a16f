"""Server-sent events: sends comments on idle streams, disconnects stalled readers, and ends streams on shutdown.

A source (see `api/streams.py`) decides what is sent. It writes encoded events to its stream.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

import anyio
import anyio.lowlevel
from starlette.types import Receive, Scope, Send

from solorun.errors import TooManyStreams
from solorun.http.flow_control import Flow
from solorun.http.request import address_of
from solorun.http.responses import MAX_PIECE_BYTES, SEND_TIMEOUT_SECONDS, abort, pieces, wait_for_disconnect

COMMENT_INTERVAL_SECONDS: Final = 15.0
"""Proxies often close a connection after a minute of silence. The HTML standard recommends about 15 seconds."""
STALL_GRACE_SECONDS: Final = 0.05
"""How long `offer` waits for a slow reader before it returns."""
MAX_STALL_GRACES: Final = 32
"""How many slow readers `offer` waits for at the same time. Each keeps a page in memory meanwhile."""

OPENING: Final = b": ok\n\n"
COMMENT: Final = b": \n\n"
SHUTDOWN: Final = b"retry: 1000\nevent: shutdown\ndata: {}\n\n"

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_EVENT_END: Final = b"\n\n"


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """The limits of every stream."""

    comment_interval_seconds: float = COMMENT_INTERVAL_SECONDS
    """A comment is sent after this long without an event."""
    send_timeout_seconds: float = SEND_TIMEOUT_SECONDS
    """A reader that accepts nothing for this long is disconnected."""


class Streams:
    """The open streams of an application. Each stays inside the context `track()` while it is open."""

    def __init__(
        self,
        track: Callable[[], AbstractContextManager[None]],
        limits: StreamLimits,
        *,
        max_open: int,
        max_open_per_client: int,
    ) -> None:
        self.limits = limits
        self._max_open, self._max_open_per_client = max_open, max_open_per_client
        self.shutting_down = False
        self.stall_graces = asyncio.Semaphore(MAX_STALL_GRACES)
        self._track = track
        self._open: set[EventStream] = set()
        self._open_by_client: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def shut_down(self) -> None:
        """End every open stream, and every later one immediately, with `event: shutdown`."""
        self.shutting_down = True
        for stream in list(self._open):
            stream.stop(SHUTDOWN)

    def end_unauthorized(self) -> None:
        """End every stream whose session has ended."""
        for stream in list(self._open):
            stream.end_if_unauthorized()

    @contextmanager
    def hold(self, stream: "EventStream", client: str) -> Iterator[None]:
        """Count the stream as open within this block. Raises TooManyStreams."""
        if len(self._open) >= self._max_open or self._open_by_client[client] >= self._max_open_per_client:
            raise TooManyStreams
        self._open.add(stream)
        self._open_by_client[client] += 1
        try:
            with self._track():
                yield
        finally:
            self._open.discard(stream)
            self._open_by_client[client] -= 1
            if not self._open_by_client[client]:
                del self._open_by_client[client]


class EventStream:
    """One response: the opening, then the events of the source, or `shutdown` if the service stops first.

    It ends early if `is_still_authorized` is false, which is checked in every comment interval. The source returns
    after its last event. It may write to the stream from several tasks; events are never interleaved.
    """

    def __init__(
        self, streams: Streams, source: "StreamSource", *, is_still_authorized: Callable[[], bool] | None = None
    ) -> None:
        self._streams = streams
        self._limits = streams.limits
        self._source = source
        self._is_still_authorized = is_still_authorized
        self._farewell = SHUTDOWN
        self._sourcing = anyio.CancelScope()
        self._turn = asyncio.Lock()
        self._stopping = streams.shutting_down
        self._disconnected = False
        self._active_at = 0.0
        """When the current send began, or the last one ended."""
        self._bytes_since_yield = 0
        self._timer: asyncio.TimerHandle | None = None
        self._commenting: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": _HEADERS}
        if scope["method"] == "HEAD":
            await send(start)
        else:
            self._scope = scope
            self._flow = Flow(scope, send)
            self._clock = asyncio.get_running_loop().time
            with self._streams.hold(self, address_of(scope)):
                await send(start)
                await self._stream(receive)
        if not self._disconnected:
            await send({"type": "http.response.body", "body": b""})

    def end_if_unauthorized(self) -> None:
        if self._is_still_authorized is not None and not self._is_still_authorized():
            self.stop(b"")

    def stop(self, farewell: bytes) -> None:
        """End with `farewell`: immediately, or after the event that is being sent."""
        self._stopping, self._farewell = True, farewell
        if not self._turn.locked():
            self._sourcing.cancel()

    async def _stream(self, receive: Receive) -> None:
        self._active_at = self._clock()
        self._schedule_check(self._limits.comment_interval_seconds)
        watching = asyncio.create_task(self._watch(receive))
        finished = False
        try:
            with self._sourcing:
                await self.emit(OPENING)
                await self._source(self)
                finished = True
            if self._stopping and not finished and not self._disconnected:
                await self._send_events(self._farewell)
        finally:
            watching.cancel()
            if self._timer is not None:
                self._timer.cancel()
            if self._commenting is not None:
                self._commenting.cancel()

    async def emit(self, events: bytes) -> None:
        """Send all of these events, even if the reader is slow. `b""` waits until the reader accepts more."""
        await self._send_events(events)
        await self._end_if_stopping()

    async def offer(self, events: bytes) -> int:
        """Send as many whole events as the reader accepts in time. Returns the number of bytes sent.

        If some are left, drop them before you call `emit`, and read them again later: thousands of readers may stall.
        """
        sent = 0
        async with self._turn:
            while sent < len(events) and (not self._flow.is_full() or await self._has_room_in_time()):
                end = _end_of_piece(events, sent)
                # A copy: a view would keep all of the events in memory while the reader stalls.
                await self._send_piece(events[sent:end])
                sent = end
            self._active_at = self._clock()
        await self._end_if_stopping()
        return sent

    def offer_nowait(self, events: bytes) -> bool:
        """Send all of these events if it need not wait, otherwise none. Returns whether they were sent."""
        if len(events) > MAX_PIECE_BYTES or self._turn.locked() or self._stopping or self._disconnected:
            return False
        if not self._flow.send_nowait(events):
            return False
        self._active_at = self._clock()
        return True

    async def _end_if_stopping(self) -> None:
        if self._stopping:
            self._sourcing.cancel()
            await anyio.lowlevel.checkpoint_if_cancelled()

    async def _has_room_in_time(self) -> bool:
        if self._streams.stall_graces.locked():
            return False
        async with self._streams.stall_graces:
            with anyio.move_on_after(STALL_GRACE_SECONDS):
                await self._flow.wait()
                return True
        return False

    async def _send_events(self, events: bytes) -> None:
        async with self._turn:
            for piece in pieces(events):
                await self._send_piece(piece)
            self._active_at = self._clock()

    async def _send_piece(self, piece: bytes | memoryview) -> None:
        self._active_at = self._clock()
        await self._flow.send(piece)
        self._bytes_since_yield += len(piece)
        if self._bytes_since_yield >= MAX_PIECE_BYTES:
            # Yield so that other tasks run and the transport can write.
            self._bytes_since_yield = 0
            await asyncio.sleep(0)

    async def _watch(self, receive: Receive) -> None:
        await wait_for_disconnect(receive)
        self._disconnect()

    def _disconnect(self) -> None:
        self._disconnected = True
        self._sourcing.cancel()

    def _schedule_check(self, seconds: float) -> None:
        """Check for idleness within `seconds`, on a whole second, so that one wake-up serves all idle streams."""
        step = _alignment_seconds(seconds)
        due_at = math.floor((self._clock() + seconds) / step) * step
        self._timer = asyncio.get_running_loop().call_at(due_at, self._check_idle)

    def _check_idle(self) -> None:
        """Send a comment if the stream is idle, or disconnect the reader if it has stalled for too long."""
        self.end_if_unauthorized()
        interval_seconds = self._limits.comment_interval_seconds
        idle_seconds = self._clock() - self._active_at
        if self._turn.locked():
            left_seconds = self._limits.send_timeout_seconds - idle_seconds
            if left_seconds <= 0:
                abort(self._scope)
                self._disconnect()
                return
            self._timer = asyncio.get_running_loop().call_later(min(left_seconds, interval_seconds), self._check_idle)
        elif idle_seconds > interval_seconds - _alignment_seconds(interval_seconds):
            self._commenting = asyncio.create_task(self._comment())
            self._schedule_check(interval_seconds)
        else:
            self._schedule_check(interval_seconds - idle_seconds)

    async def _comment(self) -> None:
        await self._send_events(COMMENT)
        if self._stopping:
            self._sourcing.cancel()


StreamSource = Callable[[EventStream], Awaitable[None]]


def _end_of_piece(events: bytes, start: int) -> int:
    """The end of the last event after `start` that fits into one piece, or of the first event if none fits."""
    if len(events) - start <= MAX_PIECE_BYTES:
        return len(events)
    end = events.rfind(_EVENT_END, start, start + MAX_PIECE_BYTES)
    if end < 0:
        end = events.index(_EVENT_END, start)
    return end + len(_EVENT_END)


def _alignment_seconds(interval_seconds: float) -> float:
    return min(1.0, interval_seconds / 2)
