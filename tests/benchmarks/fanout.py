"""One run, many readers: lines per CPU second of the server, against a Protocol that writes the same bytes."""

import asyncio
import json
from collections.abc import Sequence
from importlib.util import find_spec

from tests.benchmarks.load import LINE_FEEDS_PER_RECORD, StreamReader, close_streams, open_streams
from tests.benchmarks.measuring import Goal, Result, Scale, Stopwatch, compare
from tests.benchmarks.serving import Limit, Ours, limit, ours

RATE = 1_000
BYTES_PER_RECORD = 250
"""Approximate size on the wire."""
QUEUES = "fan-out, 100 streams, against queues"
QUEUES_GOAL = Goal(at_least=50)
QUEUES_COMMAND = "uv run --with sse-starlette python -m tests.benchmarks"
_OPENING_LINE_FEEDS = 2
_END_LINE_FEEDS = 5


async def paced(scale: Scale) -> list[Result]:
    """At 1,000 lines a second, to 100 and to 1,000 streams."""
    few, many = scale.open_streams(100), scale.open_streams(1_000)
    async with ours() as service:
        with limit("broadcast", str(scale.lines(10_000))) as broadcast:
            lines = scale.lines(2_000)
            results = [
                await _compare(service, broadcast, few, lines, Goal(at_least=1.5), scale=scale),
                await _compare(service, broadcast, many, lines, Goal(at_least=1.2), scale=scale),
            ]
            shares = [await _share(service, many, 2 * scale.seconds) for _ in range(min(3, scale.pairs))]
        share = Result(f"share of one core, {many:,} streams at {RATE:,}/s", "cores", Goal(at_most=0.35))
        return [*results, Result(share.name, share.unit, share.goal, ours=sorted(shares)[len(shares) // 2])]


async def at_full_speed(scale: Scale) -> list[Result]:
    """As fast as the run can log, to 100 and to 1,000 streams."""
    few, many = scale.open_streams(100), scale.open_streams(1_000)
    async with ours() as service:
        with limit("broadcast", str(scale.lines(20_000))) as broadcast:
            return [
                await _compare(service, broadcast, few, scale.lines(20_000), Goal(at_least=0.5), rate=0, scale=scale),
                await _compare(service, broadcast, many, scale.lines(4_000), Goal(at_least=0.4), rate=0, scale=scale),
            ]


async def queues(scale: Scale) -> list[Result]:
    """100 streams, against sse-starlette with a queue for each: at full speed, and at 1,000 lines a second."""
    if find_spec("sse_starlette") is None:
        return [Result(QUEUES, "lines/CPU-s", QUEUES_GOAL, skipped=QUEUES_COMMAND)]
    async with ours() as service:
        return [
            await _against_queues(service, QUEUES, QUEUES_GOAL, 0, scale.lines(20_000), scale),
            await _against_queues(service, f"{QUEUES}, {RATE:,} lines/s", None, RATE, scale.lines(2_000), scale),
        ]


async def _against_queues(service: Ours, name: str, goal: Goal | None, rate: int, lines: int, scale: Scale) -> Result:
    streams = scale.open_streams(100)

    async def mine() -> float:
        return streams * lines / await follow_run(service, streams, lines, rate)

    async def theirs() -> float:
        # At a fixed rate it falls behind permanently, and at full speed its queues hold all events at the same time.
        # What it delivered is therefore divided by the CPU time it used.
        with limit("queues", str(RATE * 60 if rate else lines)) as server:
            readers = await open_streams(server.port, "/stream", streams)
            watch, before = Stopwatch(server.pid), sum(reader.received for reader in readers)
            (control,) = await command(server.port, f"/pace?rate={rate or 10**9}")
            await asyncio.sleep(scale.seconds)
            delivered = (sum(reader.received for reader in readers) - before) / BYTES_PER_RECORD
            used = watch.cpu
            await close_streams([*readers, control])
            return delivered / used

    return await compare(name, "lines/CPU-s", goal, mine, theirs, scale=scale)


async def _compare(
    service: Ours, broadcast: Limit, streams: int, lines: int, goal: Goal, *, scale: Scale, rate: int = RATE
) -> Result:
    async def follow() -> float:
        return streams * lines / await follow_run(service, streams, lines, rate)

    async def receive() -> float:
        readers = await open_streams(broadcast.port, "/stream", streams)
        watch = Stopwatch(broadcast.pid)
        work = f"/pace?rate={rate}&count={lines}" if rate else f"/flood?count={lines}"
        (control,) = await command(broadcast.port, work)
        await _all_received(readers, _OPENING_LINE_FEEDS + LINE_FEEDS_PER_RECORD * (lines + 1))
        seconds = watch.cpu
        await close_streams([*readers, control])
        return streams * lines / seconds

    speed = f"at {rate:,} lines/s" if rate else "at full speed"
    return await compare(f"fan-out, {streams:,} streams {speed}", "lines/CPU-s", goal, follow, receive, scale=scale)


async def follow_run(service: Ours, streams: int, lines: int, rate: int) -> float:
    """CPU seconds of the service from a run's first line to the last byte of every stream."""
    gate = service.new_gate()
    project = "pace" if rate else "flood"
    run_id = await service.start(project, count=lines, rate=rate, gate=gate)
    await service.running(run_id)
    received: list[bytes] = []
    readers = await open_streams(service.port, f"/api/v1/runs/{run_id}/events", streams, listen=received.append)
    last_seq = 2 + (lines if rate else -(-lines // 100) * 100)
    watch = Stopwatch(service.pid)
    gate.touch()
    await _all_received(readers, _OPENING_LINE_FEEDS + LINE_FEEDS_PER_RECORD * last_seq + _END_LINE_FEEDS)
    seconds = watch.cpu
    await close_streams(readers)
    _check(b"".join(received), last_seq)
    return seconds


async def _share(service: Ours, streams: int, seconds: float) -> float:
    """The share of one core while records flow, without the first and the last of them."""
    run_id = await service.start("pace", count=10_000_000, rate=RATE)
    await service.running(run_id)
    readers = await open_streams(service.port, f"/api/v1/runs/{run_id}/events?tail=0", streams)
    await asyncio.sleep(seconds / 4)
    watch, before = Stopwatch(service.pid), readers[-1].line_feeds
    await asyncio.sleep(seconds)
    # On a machine that paused, the window may have been too short to see records. They must still arrive.
    await readers[-1].until(lambda: readers[-1].line_feeds > before)
    share = watch.used / watch.wall
    await close_streams(readers)
    await service.cancel(run_id)
    return share


async def command(port: int, path: str) -> list[StreamReader]:
    """A connection that sends a command to the limit's server."""
    loop = asyncio.get_running_loop()
    request = f"GET {path} HTTP/1.1\r\n\r\n".encode()
    _, reader = await loop.create_connection(lambda: StreamReader(request), "127.0.0.1", port)
    return [reader]


async def _all_received(readers: Sequence[StreamReader], line_feeds: int) -> None:
    for reader in readers:
        await reader.until(lambda reader=reader: reader.line_feeds >= line_feeds)  # type: ignore[misc]
        assert reader.line_feeds == line_feeds, (reader.line_feeds, line_feeds)


def _check(received: bytes, last_seq: int) -> None:
    """Every record arrives once and in order, as a client reads it."""
    chunks: list[bytes] = []
    rest = received.partition(b"\r\n\r\n")[2]
    while rest:
        length, _, rest = rest.partition(b"\r\n")
        chunks.append(rest[: int(length, 16)])
        rest = rest[int(length, 16) + 2 :]
    events = [event for event in b"".join(chunks).split(b"\n\n") if b"data: " in event]
    seqs = [json.loads(event.partition(b"data: ")[2])["seq"] for event in events if b"event: end" not in event]
    assert seqs == list(range(1, last_seq + 1)), (len(seqs), last_seq)
