"""Requests answered from memory, and the complete life of an empty run."""

import asyncio
import sqlite3
import time
from pathlib import Path
from uuid import uuid4

from tests.benchmarks.load import hammer, make_request
from tests.benchmarks.measuring import Goal, Result, Scale, Stopwatch, compare, percentile
from tests.benchmarks.serving import limit, ours


async def requests(scale: Scale) -> list[Result]:
    """Refused starts and reads of an active run, per CPU second of the server."""
    async with ours() as service:
        with limit("hello") as hello:
            run_id = await service.start("hold")
            await service.running(run_id)
            refused = make_request("POST", "/api/v1/projects/hold/runs", service.port, b"{}")
            keyed = make_request("POST", "/api/v1/projects/hold/runs", service.port, b"{}", key=str(uuid4()))
            shown = make_request("GET", f"/api/v1/runs/{run_id}", service.port)
            greeting = make_request("GET", "/", hello.port)

            async def refuse() -> float:
                return await _per_cpu_second(service.pid, service.port, refused, 409, scale)

            async def refuse_keyed() -> float:
                return await _per_cpu_second(service.pid, service.port, keyed, 409, scale)

            async def show() -> float:
                return await _per_cpu_second(service.pid, service.port, shown, 200, scale)

            async def greet() -> float:
                return await _per_cpu_second(hello.pid, hello.port, greeting, 200, scale)

            unit = "requests/CPU-s"
            return [
                await compare("refused start (409)", unit, Goal(at_least=0.5), refuse, greet, scale=scale),
                await compare(
                    "refused start with a key (409)", unit, Goal(at_least=0.45), refuse_keyed, greet, scale=scale
                ),
                await compare("GET of an active run", unit, Goal(at_least=0.55), show, greet, scale=scale),
            ]


async def _per_cpu_second(pid: int, port: int, request: bytes, status: int, scale: Scale) -> float:
    watch = Stopwatch(pid)
    taken = await hammer(port, request, status=status, seconds=scale.seconds / 2)
    return len(taken) / watch.cpu


async def empty_runs(scale: Scale) -> list[Result]:
    """Empty coroutine runs from start to completed, one after another, against the three commits each needs."""
    async with ours() as service:
        directory = service.service.directory
        cycles: list[float] = []
        number = scale.lines(150)
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        caller = _Caller(service.port, reader, writer)

        async def run() -> float:
            began = time.perf_counter()
            cycles.extend([await caller.run() for _ in range(number)])
            return number / (time.perf_counter() - began)

        async def run_keyed() -> float:
            began = time.perf_counter()
            cycles.extend([await caller.run(key=str(uuid4())) for _ in range(number)])
            return number / (time.perf_counter() - began)

        async def commit() -> float:
            seconds = await asyncio.to_thread(_commit_in_threes, directory / "raw.db", number)
            return number / seconds

        result = await compare("empty run, start to completed", "runs/s", Goal(at_least=0.2), run, commit, scale=scale)
        keyed = await compare("the same, with a key", "runs/s", Goal(at_least=0.19), run_keyed, commit, scale=scale)
        writer.close()
        counted = (await service.http.get("/runs", params={"status": "completed", "limit": 1000})).json()["runs"]
        assert len(counted) == min(1000, len(cycles))
        slowest = percentile(cycles[number:] or cycles, 0.99) * 1000
        return [result, keyed, Result("empty run, p99", "ms", Goal(at_most=15), ours=slowest)]


class _Caller:
    """Starts runs and waits for their ends on one persistent connection."""

    def __init__(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._port = port
        self._reader = reader
        self._writer = writer

    async def run(self, *, key: str = "") -> float:
        """One run; returns the seconds from the start to the end of its stream."""
        began = time.perf_counter()
        self._writer.write(make_request("POST", "/api/v1/projects/nothing/runs", self._port, b"{}", key=key))
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 201 "), head
        length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
        run_id = int((await self._reader.readexactly(length)).removeprefix(b'{"id":').partition(b",")[0])
        self._writer.write(make_request("GET", f"/api/v1/runs/{run_id}/events?batch=1", self._port))
        stream = await self._reader.readuntil(b"\r\n0\r\n\r\n")
        assert b'"status":"completed"' in stream, stream
        return time.perf_counter() - began


def _commit_in_threes(path: Path, number: int) -> float:
    """The seconds that `number` rounds of three durable commits take."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, project TEXT, status TEXT)")
    began = time.perf_counter()
    for _ in range(number):
        cursor = connection.execute("INSERT INTO runs (project, status) VALUES ('nothing', 'pending')")
        connection.execute("UPDATE runs SET status = 'running' WHERE id = ?", (cursor.lastrowid,))
        connection.execute("UPDATE runs SET status = 'completed' WHERE id = ?", (cursor.lastrowid,))
    seconds = time.perf_counter() - began
    connection.close()
    return seconds
