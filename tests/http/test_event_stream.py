"""Events that are offered to a stream without waiting, between those that its own task sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from itertools import groupby
from typing import Any

import pytest

from solorun.http.event_stream import COMMENT, EventStream, StreamLimits, Streams
from solorun.http.flow_control import FLOW_EXTENSION
from solorun.http.responses import MAX_PIECE_BYTES
from tests.fakes.stepped_loop import SteppedLoop, run_stepped

EVENT = b"data: 1\n\n"


class Connection:
    """The server's side of a stream whose source only waits."""

    def __init__(self, limits: StreamLimits = StreamLimits()) -> None:  # noqa: B008 - frozen
        self.written: list[bytes] = []
        self.is_full = False
        self.aborted = False
        self.streams = Streams(nullcontext, limits, max_open=1, max_open_per_client=1)
        self.sinks: asyncio.Queue[EventStream] = asyncio.Queue()
        self.stream = EventStream(self.streams, self._pump)
        self._may_send = asyncio.Event()
        self._may_send.set()

    async def _pump(self, sink: EventStream) -> None:
        self.sinks.put_nowait(sink)
        await asyncio.Event().wait()

    async def _send(self, message: Any) -> None:
        await self._may_send.wait()
        if message.get("body"):
            self.written.append(bytes(message["body"]))

    async def _receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("no client disconnects")

    def stall(self) -> None:
        """Make every later send wait."""
        self.is_full = True
        self._may_send.clear()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[EventStream]:
        flow = {"is_full": lambda: self.is_full, "write": self.written.append}
        scope = {
            "method": "GET",
            "client": None,
            "extensions": {FLOW_EXTENSION: flow, "solorun.abort": {"abort": self._abort}},
        }
        streaming = asyncio.create_task(self.stream(scope, self._receive, self._send))
        sink = await self.sinks.get()
        self.written.clear()
        yield sink
        streaming.cancel()
        await asyncio.wait([streaming])

    def _abort(self) -> None:
        self.aborted = True


async def test_events_are_sent_without_waiting_if_there_is_room() -> None:
    connection = Connection()
    async with connection.open() as sink:
        assert sink.offer_nowait(EVENT)

        assert connection.written == [EVENT]


async def test_no_event_is_sent_without_waiting_to_a_stalled_reader() -> None:
    connection = Connection()
    async with connection.open() as sink:
        connection.is_full = True

        assert not sink.offer_nowait(EVENT)

    assert connection.written == []


async def test_no_event_interrupts_another() -> None:
    connection = Connection()
    async with connection.open() as sink:
        connection.stall()
        sending = asyncio.create_task(sink.emit(EVENT))
        await asyncio.sleep(0)
        connection.is_full = False

        assert not sink.offer_nowait(EVENT)

        sending.cancel()
    assert connection.written == []


async def test_no_event_follows_the_shutdown() -> None:
    connection = Connection()
    async with connection.open() as sink:
        connection.streams.shut_down()

        assert not sink.offer_nowait(EVENT)

    assert EVENT not in connection.written


async def test_readers_of_long_pages_take_turns_after_two_pieces() -> None:
    connection, other = Connection(), Connection()
    other.written = connection.written
    page, page_of_other = (event * (10 * MAX_PIECE_BYTES // len(event)) for event in (EVENT, b"data: 2\n\n"))
    async with connection.open() as sink, other.open() as sink_of_other:
        await asyncio.gather(sink.offer(page), sink_of_other.offer(page_of_other))
        written = list(connection.written)

    assert sum(map(len, written)) == len(page) + len(page_of_other)
    assert max(len(list(pieces)) for _, pieces in groupby(written, key=lambda piece: piece[: len(EVENT)])) <= 2


@pytest.mark.parametrize(
    ("events", "sent"),
    [
        (EVENT * (MAX_PIECE_BYTES // len(EVENT)), True),
        (EVENT * (MAX_PIECE_BYTES // len(EVENT) + 1), False),
    ],
)
async def test_all_events_are_sent_or_none(events: bytes, sent: bool) -> None:
    connection = Connection()
    async with connection.open() as sink:
        assert sink.offer_nowait(events) is sent

    assert connection.written == ([events] if sent else [])


def test_a_stream_gets_a_comment_only_while_it_is_idle() -> None:
    async def stream(loop: SteppedLoop) -> tuple[list[bytes], list[bytes]]:
        connection = Connection(StreamLimits(comment_interval_seconds=0.4))
        async with connection.open() as sink:
            for _ in range(150):
                assert sink.offer_nowait(EVENT)
                await loop.advance(0.01)
            while_busy = [*connection.written]
            await loop.advance(0.4)
            return while_busy, connection.written[150:]

    while_busy, while_idle = run_stepped(stream)

    assert while_busy == [EVENT] * 150
    assert while_idle == [COMMENT]
