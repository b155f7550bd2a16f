"""The client on a batched stream, against a raw reader that only decodes the records."""

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from solorun.client import RunClient
from solorun.record import Record
from solorun.run import Run
from solorun.status import Status
from solorun.wire.encoding import encode
from tests.benchmarks.limits import sse_events
from tests.benchmarks.measuring import Goal, Result, Scale, compare
from tests.benchmarks.serving import limit

BATCH_RECORDS = 1_000
READ_BYTES = 64 * 1024

_decode_batch = msgspec.json.Decoder(list[Record]).decode


async def client(scale: Scale) -> list[Result]:
    """Both read a stored stream sent by sendfile."""
    number = scale.lines(200_000)
    with tempfile.TemporaryDirectory(prefix="solorun-benchmark-") as directory:
        path = Path(directory) / "stream"
        path.write_bytes(_batched(number))
        with limit("file", str(path)) as server:
            run_client = RunClient(f"http://127.0.0.1:{server.port}")

            async def mine() -> float:
                began = time.perf_counter()
                records = 0
                async for batch in run_client.follow(1).batches():
                    records += len(batch)
                assert records == number
                return number / (time.perf_counter() - began)

            async def raw() -> float:
                began = time.perf_counter()
                assert await _read_raw(server.port) == number
                return number / (time.perf_counter() - began)

            name = "our client, batched"
            async with run_client:
                return [await compare(name, "records/s", Goal(at_least=1), mine, raw, scale=scale)]


async def _read_raw(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    records, rest = 0, b""
    while chunk := await reader.read(READ_BYTES):
        *events, rest = (rest + chunk).split(b"\n\n")
        for event in events:
            if b"event: records\n" in event:
                records += len(_decode_batch(event.partition(b"\ndata: ")[2]))
    writer.close()
    return records


def _batched(number: int) -> bytes:
    """A stream of batches with an end event."""
    records = [event.partition(b"data: ")[2].rstrip() for event in sse_events(number)]
    parts = [b": ok\n\n"]
    for start in range(0, number, BATCH_RECORDS):
        batch = records[start : start + BATCH_RECORDS]
        parts.append(b"id: %d\nevent: records\ndata: [%b]\n\n" % (start + len(batch), b",".join(batch)))
    run = Run(1, "handbook", "full", Status.COMPLETED, "api", {}, datetime(2026, 11, 23, tzinfo=UTC))
    parts.append(b"id: %d\nevent: end\ndata: %b\n\n" % (number, encode(run)))
    return b"".join(parts)
