"""A stalled reader: no part of the log is held for it, and it misses nothing when it continues."""

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
    """Counts the followers, and records the sizes of the pages that they request."""

    def __init__(self, hub: Hub, store: RunStore) -> None:
        super().__init__(hub, store)
        self.following = 0
        self.pages: list[int] = []

    async def follow(
        self,
        run_id: int,
        *,
        after: int = 0,
        page_records: int = MAX_PAGE_RECORDS,
        receiver: Receiver | None = None,
    ) -> AsyncGenerator[Segment | Run, None]:
        self.following += 1
        self.pages.append(page_records)
        try:
            async for item in super().follow(run_id, after=after, page_records=page_records, receiver=receiver):
                yield item
        finally:
            self.following -= 1


@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_page_is_held_for_a_stalled_reader_and_it_misses_no_record(
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
    # A view would keep the whole page alive for as long as the reader stalls.
    assert reader.views == 0
    # A slow reader gets small pages.
    assert tail.pages[0] == MAX_PAGE_RECORDS
    assert set(tail.pages[1:]) == {1}


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_live_log_continues_after_every_stall(open_served: OpenServed, address: str) -> None:
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
    """The seqs of all records, single or in arrays."""
    values = [msgspec.json.decode(line[6:]) for line in stream.split(b"\n") if line.startswith(b"data: ")]
    records = [record for value in values for record in (value if isinstance(value, list) else [value])]
    return [record["seq"] for record in records if "seq" in record]
