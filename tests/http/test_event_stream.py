"""What is offered to a stream in passing, between what its own task sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from solorun.http import event_stream
from solorun.http.event_stream import MUCH_BYTES, SMALL_PIECE_BYTES, EventStream, Sink, Streams
from solorun.http.flow_control import FLOW_EXTENSION
from solorun.http.responses import MAX_PIECE_BYTES
from solorun.logs import Hub

EVENT = b"data: 1\n\n"


class Connection:
    """A server's side of a stream whose pump only waits."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.untaken_bytes = 0
        self.is_full = False
        self.aborted = False
        self.streams = Streams(Hub())
        self.sinks: asyncio.Queue[Sink] = asyncio.Queue()
        self.stream = EventStream(self.streams, self._pump)
        self._may_send = asyncio.Event()
        self._may_send.set()

    async def _pump(self, sink: Sink) -> None:
        self.sinks.put_nowait(sink)
        await asyncio.Event().wait()

    async def _send(self, message: Any) -> None:
        await self._may_send.wait()
        if message.get("body"):
            self.written.append(bytes(message["body"]))

    async def _receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("nobody disconnects")

    def stall(self) -> None:
        """From here on a send waits."""
        self.is_full = True
        self._may_send.clear()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Sink]:
        flow = {
            "is_full": lambda: self.is_full,
            "untaken_bytes": lambda: self.untaken_bytes,
            "write": self.written.append,
        }
        scope = {"method": "GET", "extensions": {FLOW_EXTENSION: flow, "solorun.abort": {"abort": self._abort}}}
        streaming = asyncio.create_task(self.stream(scope, self._receive, self._send))
        sink = await self.sinks.get()
        self.written.clear()
        yield sink
        streaming.cancel()
        await asyncio.wait([streaming])

    def _abort(self) -> None:
        self.aborted = True


async def test_what_there_is_room_for_is_sent_at_once() -> None:
    connection = Connection()
    async with connection.open() as sink:
        assert sink.offer_nowait(EVENT)

        assert connection.written == [EVENT]


async def test_nothing_is_sent_to_a_reader_that_has_no_room() -> None:
    connection = Connection()
    async with connection.open() as sink:
        connection.is_full = True

        assert not sink.offer_nowait(EVENT)

    assert connection.written == []


async def test_nothing_is_sent_in_the_middle_of_another_event() -> None:
    connection = Connection()
    async with connection.open() as sink:
        connection.stall()
        sending = asyncio.create_task(sink.emit(EVENT))
        await asyncio.sleep(0)
        connection.is_full = False

        assert not sink.offer_nowait(EVENT)

        sending.cancel()
    assert connection.written == []


async def test_nothing_follows_the_shutdown() -> None:
    connection = Connection()
    async with connection.open() as sink:
        connection.streams.shut_down()

        assert not sink.offer_nowait(EVENT)

    assert EVENT not in connection.written


@pytest.mark.parametrize(
    ("events", "untaken_bytes", "sent"),
    [
        (EVENT * (SMALL_PIECE_BYTES // len(EVENT)), MUCH_BYTES + 1, True),
        (EVENT * (SMALL_PIECE_BYTES // len(EVENT) + 1), MUCH_BYTES, True),
        (EVENT * (SMALL_PIECE_BYTES // len(EVENT) + 1), MUCH_BYTES + 1, False),
        (EVENT * (MAX_PIECE_BYTES // len(EVENT)), 0, True),
        (EVENT * (MAX_PIECE_BYTES // len(EVENT) + 1), 0, False),
    ],
)
async def test_all_is_sent_or_nothing(events: bytes, untaken_bytes: int, sent: bool) -> None:
    connection = Connection()
    async with connection.open() as sink:
        connection.untaken_bytes = untaken_bytes

        assert sink.offer_nowait(events) is sent

    assert connection.written == ([events] if sent else [])


async def test_a_reader_that_is_sent_something_now_and_then_hears_no_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "COMMENT_INTERVAL_SECONDS", 0.4)
    connection = Connection()
    async with connection.open() as sink:
        loop = asyncio.get_running_loop()
        until, gaps, last = loop.time() + 1.5, [0.0], loop.time()
        while loop.time() < until:
            assert sink.offer_nowait(EVENT)
            gaps.append(loop.time() - last)
            last = loop.time()
            await asyncio.sleep(0.01)

    # On a machine that stands still a comment is right.
    assert event_stream.COMMENT not in connection.written or max(gaps) > 0.15
