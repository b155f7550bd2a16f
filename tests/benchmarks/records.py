"""Records from a step to the disk: their rate, their size, and the rate of many runs together."""

import asyncio
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zstandard import ZstdCompressor

from solorun.record import Level, Record, Stream
from solorun.wire.encoding import encode_records
from tests.benchmarks.measuring import Goal, Result, Scale, compare
from tests.benchmarks.samples import make_lines
from tests.benchmarks.serving import Ours, ours, project

BATCH_RECORDS = 1_000


async def records(scale: Scale) -> list[Result]:
    """The durable records of one run, against raw inserts of the same segments."""
    async with ours() as service:
        directory = service.service.directory
        number = scale.lines(300_000)

        async def write() -> float:
            run = await flood(service, number)
            return number / work_seconds(run)

        async def insert() -> float:
            return number / await asyncio.to_thread(insert_segments, directory / "raw.db", number)

        name = "records of one run, durable"
        compared = await compare(name, "records/s", Goal(at_least=0.5), write, insert, scale=scale)
        absolute = Result(f"{name}, absolute", "records/s", Goal(at_least=300_000), ours=compared.ours)
        return [compared, absolute]


async def disk(scale: Scale) -> list[Result]:
    """Bytes per line after a run's segments are compacted, by the growth of the database file."""
    number = scale.lines(300_000)
    async with ours() as service:
        before = _size_of(service)
        await flood(service, number)
        async with asyncio.timeout(30):
            while (service.service.data_dir / "solorun.db-wal").stat().st_size > 0:
                await asyncio.sleep(0.1)  # truncated when idle for a while, and compaction is done by then
        size = (_size_of(service) - before) / number
    return [Result("disk space per line of 92 bytes", "bytes", Goal(at_most=50), ours=size)]


async def many_runs(scale: Scale) -> list[Result]:
    """50 projects that log concurrently, against one that logs as much."""
    projects = scale.open_streams(50)
    async with ours(project("many-*", "flood")) as service:
        each = scale.lines(200_000) // projects // 100 * 100 or 100

        async def together() -> float:
            gate = service.new_gate()
            run_ids = [await service.start(f"many-{n}", count=each, gate=gate) for n in range(projects)]
            for run_id in run_ids:
                await service.running(run_id)
            began = time.monotonic()
            gate.touch()
            runs = [await service.ended(run_id) for run_id in run_ids]
            seconds = time.monotonic() - began
            assert all(run["level_counts"]["info"] == each + 2 for run in runs)
            return each * projects / seconds

        async def alone() -> float:
            return each * projects / work_seconds(await flood(service, each * projects))

        name = f"{projects} runs logging together"
        return [await compare(name, "records/s, against one run", None, together, alone, scale=scale)]


async def flood(service: Ours, number: int) -> dict[str, Any]:
    """A run that logs `number` lines. All of them must exist when it has ended."""
    run = await service.ended(await service.start("flood", count=number))
    number_of_events = 2  # the step's start and end
    assert run["status"] == "completed", run
    assert run["last_seq"] == run["level_counts"]["info"] == number + number_of_events, run
    return run


def _size_of(service: Ours) -> int:
    with sqlite3.connect(service.service.data_dir / "solorun.db") as connection:
        ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
        ((free,),) = connection.execute("PRAGMA freelist_count").fetchall()
        ((page_bytes,),) = connection.execute("PRAGMA page_size").fetchall()
    connection.close()
    size: int = (pages - free) * page_bytes
    return size


def work_seconds(run: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def insert_segments(path: Path, number: int) -> float:
    """The seconds one thread takes to build, encode, compress and insert records, with a commit per batch."""
    lines = make_lines()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS segments (id INTEGER PRIMARY KEY, last_seq INTEGER, payload BLOB)")
    compress = ZstdCompressor(level=3).compress
    began = time.perf_counter()
    for start in range(0, number, BATCH_RECORDS):
        now = datetime.now(UTC)
        batch = [
            Record(seq, now, Level.INFO, "work", Stream.STEP, lines[seq % len(lines)])
            for seq in range(start + 1, min(start + BATCH_RECORDS, number) + 1)
        ]
        payload = compress(encode_records(batch))
        connection.execute("INSERT INTO segments (last_seq, payload) VALUES (?, ?)", (batch[-1].seq, payload))
    seconds = time.perf_counter() - began
    connection.close()
    return seconds
