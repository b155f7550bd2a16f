"""What history costs: the same requests to a service with a hundred runs and to one with a million.

The runs are inserted with SQL, since executing a million would take hours.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any, Final

from zstandard import ZstdCompressor

from solorun.stores.sqlite import SqliteRunStore
from tests.benchmarks.limits import sse_events
from tests.benchmarks.measuring import Goal, Result, Scale
from tests.benchmarks.serving import Ours, serving

RECORDS_PER_RUN: Final = 100_000
RECORDS_PER_SEGMENT: Final = 1_000
SMALL_RUNS: Final = 100
PROJECTS: Final = ("nothing", "hold", "flood", "pace", "clock")
_AT: Final = 1_700_000_000_000_000
_REQUESTS: Final = 30

_INSERT_RUN: Final = """
INSERT INTO runs (project, scope, status, owner, triggered_by, params, created_at, started_at, finished_at, last_seq,
    info_count)
VALUES (?, 'full', 'completed', 'earlier start', 'api', '{}', ?, ?, ?, ?, ?)
"""
_INSERT_STEP: Final = """
INSERT INTO steps (run_id, position, name, status, started_at, finished_at, first_seq, last_seq)
SELECT id, 0, 'work', 'completed', started_at, finished_at, min(1, last_seq), last_seq FROM runs
"""
_INSERT_SEGMENT: Final = """
INSERT INTO segments (run_id, first_seq, last_seq, debug_count, info_count, warning_count, error_count, payload_bytes,
    payload)
VALUES (?, ?, ?, 0, ?, 0, 0, ?, ?)
"""


async def history(scale: Scale) -> list[Result]:
    """A start, lists, a log page and a search, with a short and with a long history."""
    async with AsyncExitStack() as stack:
        small = await _service_with_history(stack, SMALL_RUNS, RECORDS_PER_RUN, scale)
        large = await _service_with_history(stack, scale.history_runs, scale.history_records, scale)
        requests: dict[str, Callable[[Ours], Awaitable[Any]]] = {
            "a start and its end": _start,
            "GET /runs": lambda service: service.http.get("/runs"),
            "GET /runs of a status": lambda service: service.http.get("/runs?status=completed"),
            "GET /projects": lambda service: service.http.get("/projects"),
            "a page of a log": lambda service: service.http.get("/runs/1/log?after=500&limit=1000"),
            "a search in a log": lambda service: service.http.get("/runs/1/log?q=photon+nebula"),
        }
        name = f"{scale.history_runs:,} runs"
        return [await _compare(f"{what}, {name}", ask, large, small, scale) for what, ask in requests.items()]


async def _compare(name: str, ask: Callable[[Ours], Awaitable[Any]], large: Ours, small: Ours, scale: Scale) -> Result:
    """Milliseconds of one request, sent to both alternately."""
    rounds = _REQUESTS if scale.pairs > 1 else 2
    pairs = [(await _time(ask, large), await _time(ask, small)) for _ in range(rounds)]
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Result(name, "ms", Goal(at_most=1.5), ours=mine, limit=theirs, ratio=mine / theirs)


async def _time(ask: Callable[[Ours], Awaitable[Any]], service: Ours) -> float:
    began = time.perf_counter()
    answer = await ask(service)
    assert answer is None or answer.status_code == 200
    return (time.perf_counter() - began) * 1000


async def _start(service: Ours) -> None:
    run_id = await service.start("nothing")
    while (await service.get(run_id))["finished_at"] is None:
        await asyncio.sleep(0.001)


async def _service_with_history(stack: AsyncExitStack, runs: int, records: int, scale: Scale) -> Ours:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="solorun-benchmark-")))
    data_dir = directory / ".solorun"
    store = await SqliteRunStore.open(data_dir)
    await store.close()
    per_run = min(RECORDS_PER_RUN, scale.history_records // 10)
    await asyncio.to_thread(insert_history, data_dir / "solorun.db", runs, records, per_run)
    service = await stack.enter_async_context(serving(directory))
    newest = (await service.http.get("/runs", params={"limit": 1})).json()["runs"][0]
    assert newest["id"] == runs
    return service


def insert_history(path: Path, runs: int, records: int, per_run: int) -> None:
    """Insert completed runs, the first of them with logs, taking turns between the projects."""
    logged = max(1, records // per_run)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.executemany(_INSERT_RUN, _run_rows(runs, logged, per_run))
        connection.execute(_INSERT_STEP)
        segments = list(_segments(per_run))
        for run_id in range(1, logged + 1):
            connection.executemany(_INSERT_SEGMENT, ((run_id, *segment) for segment in segments))
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _run_rows(runs: int, logged: int, per_run: int) -> Iterator[tuple[object, ...]]:
    for number in range(runs):
        lines = per_run if number < logged else 0
        at = _AT + number * 1_000_000
        yield PROJECTS[number % len(PROJECTS)], at, at, at + 500_000, lines, lines


def _segments(per_run: int) -> Iterator[tuple[object, ...]]:
    """The segments of one log, which all runs with a log share."""
    lines = [event.partition(b"data: ")[2].rstrip() for event in sse_events(per_run)]
    compress = ZstdCompressor(level=3).compress
    for start in range(0, per_run, RECORDS_PER_SEGMENT):
        part = lines[start : start + RECORDS_PER_SEGMENT]
        payload = b"\n".join(part) + b"\n"
        yield start + 1, start + len(part), len(part), len(payload), compress(payload)
