"""How long a line takes from the step to its readers, and what stalled readers cost the run."""

import asyncio
import re
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path

from tests.benchmarks.fanout import command
from tests.benchmarks.load import StreamReader, close_streams, open_streams
from tests.benchmarks.measuring import Goal, Result, Scale, compare
from tests.benchmarks.records import flood, work_seconds
from tests.benchmarks.serving import Limit, Ours, limit, ours

PAUSE_SECONDS = 0.15
"""The time between two lines of the run, and of the Protocol."""
STALLED_RECEIVE_BYTES = 64 * 1024

_LOGGED_AT = re.compile(rb'"at ([0-9.]+) "')


async def idle_run(scale: Scale) -> list[Result]:
    """Occasional lines: the median over all streams minus that of the Protocol, and the share of a durable commit."""
    async with ours() as service:
        with limit("broadcast", "1") as broadcast:
            few = await _overhead(service, broadcast, 1, Goal(at_most=1), scale)
            many = await _overhead(service, broadcast, scale.open_streams(100), Goal(at_most=3), scale)
        commit = await asyncio.to_thread(_commit_milliseconds, service.service.directory / "raw.db", scale.lines(40))
        return [few, many, Result("delivery, of which a raw sqlite3 commit", "ms", None, ours=commit)]


async def stalled_readers(scale: Scale) -> list[Result]:
    """The rate of a run with 50 open streams that are not read, against its rate without them."""
    stalled, number = scale.open_streams(50), scale.lines(200_000)
    async with ours() as service:

        async def without() -> float:
            return number / work_seconds(await flood(service, number))

        async def beside() -> float:
            gate = service.new_gate()
            run_id = await service.start("flood", count=number, gate=gate)
            await service.running(run_id)
            readers = await stall(service, run_id, stalled)
            began = time.monotonic()
            gate.touch()
            run = await service.ended(run_id)
            seconds = time.monotonic() - began
            await close_streams(readers)
            assert run["last_seq"] == number + 2
            return number / seconds

        name = f"rate of a run with {stalled} stalled readers"
        return [await compare(name, "records/s", Goal(at_least=0.7), beside, without, scale=scale)]


async def stall(service: Ours, run_id: int, number: int) -> list[StreamReader]:
    """Open streams of a run with small kernel buffers, and stop reading them."""
    path = f"/api/v1/runs/{run_id}/events"
    readers = await open_streams(service.port, path, number, receive_bytes=STALLED_RECEIVE_BYTES)
    for reader in readers:
        reader.transport.pause_reading()
    return readers


async def _overhead(service: Ours, broadcast: Limit, streams: int, goal: Goal, scale: Scale) -> Result:
    lines = 8 if scale.pairs > 1 else 2

    async def mine() -> float:
        gate = service.new_gate()
        run_id = await service.start("clock", count=lines, gate=gate)
        await service.running(run_id)
        with_delays = await listen(service.port, f"/api/v1/runs/{run_id}/events", streams)
        gate.touch()
        return await median_delay(with_delays, lines)

    async def theirs() -> float:
        with_delays = await listen(broadcast.port, "/stream", streams)
        (control,) = await command(broadcast.port, f"/clock?count={lines}")
        delay = await median_delay(with_delays, lines)
        await close_streams([control])
        return delay

    name = f"delivery on an idle run, streams: {streams}, overhead"
    result = await compare(name, "ms", None, mine, theirs, scale=scale)
    return Result(name, "ms", goal, ours=result.ours - (result.limit or 0.0))


def _commit_milliseconds(path: Path, number: int) -> float:
    """The median time of a durable commit of one small row, in a thread that pauses between them as the run does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS segments (id INTEGER PRIMARY KEY, payload BLOB)")
        taken: list[float] = []
        for _ in range(number):
            time.sleep(PAUSE_SECONDS)
            began = time.perf_counter()
            connection.execute("INSERT INTO segments (payload) VALUES (zeroblob(150))")
            taken.append((time.perf_counter() - began) * 1000)
        return statistics.median(taken)


async def listen(port: int, path: str, streams: int) -> list[tuple[StreamReader, list[float]]]:
    """Open streams, each with the list of the milliseconds that its lines take."""
    readers = await open_streams(port, path, streams)
    return [(reader, _record_delays(reader)) for reader in readers]


def _record_delays(reader: StreamReader) -> list[float]:
    delays: list[float] = []

    def record(received: bytes) -> None:
        now = time.monotonic()
        delays.extend((now - float(logged_at)) * 1000 for logged_at in _LOGGED_AT.findall(received))

    reader.listen = record
    return delays


async def median_delay(listening: list[tuple[StreamReader, list[float]]], lines: int) -> float:
    for reader, delays in listening:
        await reader.until(lambda delays=delays: len(delays) >= lines)  # type: ignore[misc]
        assert len(delays) == lines
    await close_streams([reader for reader, _ in listening])
    return statistics.median(delay for _, delays in listening for delay in delays)
