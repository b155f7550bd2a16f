"""A reader that stalls: of the log nothing is held for it, and when it goes on it misses nothing."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from solorun.http.flow_control import FLOW_EXTENSION
from solorun.logs import Hub, Receiver, Tail
from solorun.record import Stream
from solorun.run import Run
from solorun.segment import PART_BYTES, Segment
from solorun.store import MAX_PAGE_RECORDS, RunStore
from tests.fakes.application import OpenServed, Served

ADDRESSES = ("/api/v1/runs/1/events", "/api/v1/runs/1/events?batch=1", "/api/v1/events?follow=1:0")


class Reader:
    """A connection whose buffer is full after every send, until the reader reads what is in it."""

    def __init__(self, served: Served, address: str) -> None:
        self.received = b""
        self.views = 0
        self.taken = asyncio.Event()
        self._full = False
        flow = {"is_full": lambda: self._full, "write": self._write}
        path, _, query = address.partition("?")
        self._scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(b"host", b"127.0.0.1:8700")], "client": ("127.0.0.1", 5000), "scheme": "http",
            "http_version": "1.1", "root_path": "", "extensions": {FLOW_EXTENSION: flow},
        }  # fmt: skip
        self._served = served
        self._asked = False

    async def read(self) -> None:
        await self._served.app(self._scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Any) -> None:
        if self._full:
            await self.taken.wait()
            self._full = False
        if body := message.get("body", b""):
            self._write(body)

    def _write(self, piece: "bytes | memoryview") -> None:
        assert not self._full
        self.views += isinstance(piece, memoryview)
        self.received += piece
        self._full = len(piece) > 4096


class CountedTail(Tail):
    """Counts who follows, and notes how long the pages are that they ask for."""

    def __init__(self, hub: Hub, store: RunStore) -> None:
        super().__init__(hub, store)
        self.following = 0
        self.pages: list[int] = []

    async def deliver(
        self, run_id: int, receiver: Receiver, *, after: int = 0, page_records: int = MAX_PAGE_RECORDS
    ) -> AsyncGenerator[Segment | Run, None]:
        self.following += 1
        self.pages.append(page_records)
        try:
            async for item in super().deliver(run_id, receiver, after=after, page_records=page_records):
                yield item
        finally:
            self.following -= 1


@pytest.mark.parametrize("address", ADDRESSES)
async def test_nothing_is_held_for_a_reader_that_stalls_and_it_misses_nothing(
    open_served: OpenServed, address: str
) -> None:
    async with open_served() as served:
        run = await served.complete(lines=["x" * 1_000 for _ in range(4 * PART_BYTES // 1_000)])
        tail = served.service.tail = CountedTail(served.service.hub, served.service.store)
        reader = Reader(served, address)
        reading = asyncio.create_task(reader.read())
        await served.until(lambda: b"xxx" in reader.received)

        await served.until(lambda: tail.following == 0)

        reader.taken.set()
        await served.until(lambda: b"event: end" in reader.received or b'"completed"' in reader.received)
        reading.cancel()
        await asyncio.wait([reading])
    assert seqs_of(reader.received) == list(range(1, run.last_seq + 1))
    # A piece that is not taken would keep its whole page, if it were a view of it.
    assert reader.views == 0
    # Who takes little at a time is read little at a time.
    assert tail.pages[0] == MAX_PAGE_RECORDS
    assert set(tail.pages[1:]) == {1}


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_live_log_is_told_on_after_every_stall(open_served: OpenServed, address: str) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        reader = Reader(served, address)
        reading = asyncio.create_task(reader.read())
        topic = served.service.hub.find(run_id)
        assert topic is not None
        said = 1
        for lines in (1, 6, 1, 1, 70, 6, 1, 300, 1):
            await step.context.output.write("deploy", Stream.STDOUT, ["x" * 1_000] * lines)
            said += lines
            await served.until(lambda said=said: topic.run.last_seq == said)  # type: ignore[misc]
            reader.taken.set()
            await served.until(lambda: seqs_of(reader.received)[-1:] == [topic.run.last_seq])
            reader.taken.clear()
        step.end()

        reader.taken.set()
        await served.until(lambda: b"event: end" in reader.received or b'"completed"' in reader.received)
        run = await served.end_of(run_id)
        reading.cancel()
        await asyncio.wait([reading])
    assert seqs_of(reader.received) == list(range(1, run.last_seq + 1))


def seqs_of(stream: bytes) -> list[int]:
    """The seqs of all records, alone or in arrays."""
    values = [msgspec.json.decode(line[6:]) for line in stream.split(b"\n") if line.startswith(b"data: ")]
    records = [record for value in values for record in (value if isinstance(value, list) else [value])]
    return [record["seq"] for record in records if "seq" in record]
