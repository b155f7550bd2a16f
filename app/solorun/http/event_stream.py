"""Server-sent events: an answer that lasts, with a comment every 15 s, a limit for readers and a clean shutdown.

What is sent is decided by a pump (see `events.py`); records come ready made from their segments.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import anyio
import anyio.lowlevel
from starlette.types import Receive, Scope, Send

from solorun.http.flow_control import Flow
from solorun.http.responses import (
    MAX_PIECE_BYTES,
    SEND_TIMEOUT_SECONDS,
    abort,
    pieces,
    wait_for_disconnect,
)
from solorun.logs.hub import Hub

COMMENT_INTERVAL_SECONDS: Final = 15.0
"""Proxies give up on connections that are silent for a minute; the standard recommends about this."""

_GRID_SECONDS: Final = 1.0
"""Silent streams are looked after on whole seconds, so that one waking up serves all of them."""

STALL_GRACE_SECONDS: Final = 0.05
"""How long a reader that takes nothing is waited for before what it has yet to be sent is let go."""
MAX_WAITED_FOR: Final = 32
"""So many readers at once are waited for with a page in hand, however many come at the same moment."""

SMALL_PIECE_BYTES: Final = 8 * 1024
"""A piece that is not taken stays whole in memory: so little at a time is offered to who has much to take already."""
MUCH_BYTES: Final = 32 * 1024

OPENING: Final = b": ok\n\n"
OPENING_OF_ENDED: Final = b"retry: 60000\n\n"
"""An EventSource comes back after the end: not before a minute has passed."""
COMMENT: Final = b": \n\n"
SHUTDOWN: Final = b"retry: 1000\nevent: shutdown\ndata: {}\n\n"

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_EVENT_END: Final = b"\n\n"


class Sink(Protocol):
    """Where a pump's events go."""

    async def emit(self, events: bytes) -> None:
        """Send whole events, however long the reader takes. Nothing (`b""`) waits until what was sent is taken."""

    async def offer(self, events: bytes) -> int:
        """Send as many of these events as are taken in time; answers how many bytes.

        Who is answered fewer than all lets go of the rest while it waits: thousands of readers may stall.
        """

    def offer_nowait(self, events: bytes) -> bool:
        """Send these events if that takes no waiting: all of them, or none. Answers whether they were sent."""


StreamSource = Callable[[Sink], Awaitable[None]]


class Streams:
    """The open streams of an application. Once they are shut down, a new one only says so."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._open: set[EventStream] = set()
        self.waited_for = 0
        self.shutting_down = False

    def __len__(self) -> int:
        return len(self._open)

    def shut_down(self) -> None:
        """End every stream with `event: shutdown`, between two events."""
        self.shutting_down = True
        for stream in list(self._open):
            stream.stop()

    @contextmanager
    def hold(self, stream: "EventStream") -> Iterator[None]:
        self._open.add(stream)
        try:
            with self._hub.count_stream():
                yield
        finally:
            self._open.discard(stream)


class EventStream:
    """One stream: the opening, what the pump emits, and `shutdown` when the service stops first.

    The pump returns after the stream's last event. It may emit from several tasks: an event is never cut by another.
    """

    def __init__(self, streams: Streams, pump: StreamSource, *, opening: bytes = OPENING) -> None:
        self._streams = streams
        self._pump = pump
        self._opening = opening
        self._pumping = anyio.CancelScope()
        self._turn = asyncio.Lock()
        self._stopping = streams.shutting_down
        self._gone = False
        self._heard_at = 0.0
        """When the last send began or, while none is under way, ended."""
        self._bytes_since_yield = 0
        self._timer: asyncio.TimerHandle | None = None
        self._commenting: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        if scope["method"] != "HEAD":
            self._scope = scope
            self._flow = Flow(scope, send)
            self._clock = asyncio.get_running_loop().time
            with self._streams.hold(self):
                await self._stream(receive)
        if not self._gone:
            await send({"type": "http.response.body", "body": b""})

    def stop(self) -> None:
        """End with `shutdown`: at once, or after the event that is just being sent."""
        self._stopping = True
        if not self._turn.locked():
            self._pumping.cancel()

    async def _stream(self, receive: Receive) -> None:
        self._heard_at = self._clock()
        self._look_again_within(COMMENT_INTERVAL_SECONDS)
        watching = asyncio.create_task(self._watch(receive))
        finished = False
        try:
            with self._pumping:
                await self.emit(self._opening)
                await self._pump(self)
                finished = True
            if self._stopping and not finished and not self._gone:
                await self._send_event(SHUTDOWN)
        finally:
            watching.cancel()
            if self._timer is not None:
                self._timer.cancel()
            if self._commenting is not None:
                self._commenting.cancel()

    async def emit(self, events: bytes) -> None:
        await self._send_event(events)
        await self._end_if_stopping()

    async def offer(self, events: bytes) -> int:
        sent = 0
        async with self._turn:
            while sent < len(events) and (not self._flow.is_full() or await self._is_taken_in_time()):
                end = self._end_of_piece(events, sent)
                # No view: a piece that is not taken would keep all of these events as long as it lies there.
                await self._send_piece(events[sent:end])
                sent = end
            self._heard_at = self._clock()
        await self._end_if_stopping()
        return sent

    def offer_nowait(self, events: bytes) -> bool:
        if self._turn.locked() or self._stopping or self._gone or self._end_of_piece(events, 0) < len(events):
            return False
        if not self._flow.send_nowait(events):
            return False
        self._heard_at = self._clock()
        return True

    async def _end_if_stopping(self) -> None:
        if self._stopping:
            self._pumping.cancel()
            await anyio.lowlevel.checkpoint_if_cancelled()

    def _end_of_piece(self, events: bytes, start: int) -> int:
        """Where the last event ends that begins at `start` or later and is whole within a piece; at least one is."""
        if len(events) - start <= SMALL_PIECE_BYTES:
            return len(events)
        piece_bytes = MAX_PIECE_BYTES if self._flow.untaken_bytes() <= MUCH_BYTES else SMALL_PIECE_BYTES
        if len(events) - start <= piece_bytes:
            return len(events)
        end = events.rfind(_EVENT_END, start, start + piece_bytes)
        if end < 0:
            end = events.index(_EVENT_END, start)
        return end + len(_EVENT_END)

    async def _is_taken_in_time(self) -> bool:
        if self._streams.waited_for >= MAX_WAITED_FOR:
            return False
        self._streams.waited_for += 1
        try:
            with anyio.move_on_after(STALL_GRACE_SECONDS):
                await self._flow.wait()
                return True
            return False
        finally:
            self._streams.waited_for -= 1

    async def _send_event(self, events: bytes) -> None:
        async with self._turn:
            for piece in pieces(events):
                await self._send_piece(piece)
            self._heard_at = self._clock()

    async def _send_piece(self, piece: bytes | memoryview) -> None:
        self._heard_at = self._clock()
        await self._flow.send(piece)
        self._bytes_since_yield += len(piece)
        if self._bytes_since_yield >= MAX_PIECE_BYTES:
            # Others have their turn, and the transport can take the bytes away.
            self._bytes_since_yield = 0
            await asyncio.sleep(0)

    async def _watch(self, receive: Receive) -> None:
        await wait_for_disconnect(receive)
        self._leave()

    def _leave(self) -> None:
        self._gone = True
        self._pumping.cancel()

    def _look_again_within(self, seconds: float) -> None:
        grid_seconds = _grid_of(seconds)
        due_at = math.floor((self._clock() + seconds) / grid_seconds) * grid_seconds
        self._timer = asyncio.get_running_loop().call_at(due_at, self._look)

    def _look(self) -> None:
        """Look after a stream on which nothing moved for a while: comment, or give the reader up."""
        silent_seconds = self._clock() - self._heard_at
        if self._turn.locked():
            if silent_seconds >= SEND_TIMEOUT_SECONDS:
                abort(self._scope)
                self._leave()
                return
            due_seconds = min(SEND_TIMEOUT_SECONDS - silent_seconds, COMMENT_INTERVAL_SECONDS)
            self._timer = asyncio.get_running_loop().call_later(due_seconds, self._look)
        elif silent_seconds > COMMENT_INTERVAL_SECONDS - _grid_of(COMMENT_INTERVAL_SECONDS):
            self._commenting = asyncio.create_task(self._comment())
            self._look_again_within(COMMENT_INTERVAL_SECONDS)
        else:
            self._look_again_within(COMMENT_INTERVAL_SECONDS - silent_seconds)

    async def _comment(self) -> None:
        await self._send_event(COMMENT)
        if self._stopping:
            self._pumping.cancel()


def _grid_of(seconds: float) -> float:
    return min(_GRID_SECONDS, seconds / 2)
