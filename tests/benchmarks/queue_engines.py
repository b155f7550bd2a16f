"""Delivers runs to a worker by the database alone and by Procrastinate, in turns: a dependency of this script alone.

    uv run --with 'procrastinate>=3.10,<4' python -m tests.benchmarks.queue_engines

Both insert the same rows, claim them by a conditional UPDATE and end them. They differ in the statement that is added
to the transaction which releases a run for delivery, and in how the worker hears of it.
"""

import asyncio
import contextlib
import importlib
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import psycopg

from solorun.outcome import Outcome
from solorun.status import Status
from solorun.store import FinalState, NewRun, Notice
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.postgres.connections import BEGIN_WRITE, Connections
from solorun.stores.postgres.statements import Statements
from solorun.worker import Worker
from tests.benchmarks.measuring import percentile
from tests.fakes.postgres import private_server

CLIENTS: Final = 16
TURNS: Final = 5
SECONDS: Final = 5.0
SINGLE_STARTS: Final = 100

_RELEASE: Final = {
    "ours": "UPDATE runs SET owner = NULL WHERE id = :run_id RETURNING pg_notify('solorun_work', '')",
    "procrastinate": """
        WITH released AS (UPDATE runs SET owner = NULL WHERE id = :run_id RETURNING id)
        SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', 'execute', 0, NULL, NULL,
            jsonb_build_object('run_id', id), NULL)::procrastinate_job_to_defer_v1]) FROM released""",
}
_CLAIM: Final = "UPDATE runs SET owner = 'worker' WHERE id = :run_id AND owner IS NULL AND status = 'pending'"


class Client:
    """Starts runs of projects that nothing else uses."""

    def __init__(self, engine: str, url: str, store: PostgresRunStore) -> None:
        self._release = _RELEASE[engine]
        self._store = store
        self._connections = Connections(url, begin=BEGIN_WRITE, count=4)
        self._names = count()
        self.committed: dict[int, float] = {}

    async def start(self) -> int:
        project = f"{time.monotonic_ns()}-{next(self._names)}"
        new = NewRun(project, "full", "api", {}, datetime.now(UTC), ("work",))
        run = await self._store.insert_run(new, owner="client")

        def release(statements: Statements) -> None:
            statements.execute(self._release, {"run_id": run.id})

        await self._connections.transact(release)
        self.committed[run.id] = time.time()
        return run.id

    async def close(self) -> None:
        await self._connections.close()


async def work(engine: str, url: str) -> None:
    """Claim and end runs until killed. Prints when the work of each began."""
    store = await PostgresRunStore.open(url)

    async def end(run_id: int) -> None:
        print(run_id, time.time(), flush=True)
        ending = FinalState(Outcome(Status.COMPLETED), datetime.now(UTC))
        await store.finalize_run(run_id, owner="worker", ending=ending)

    await (_work_by_notices if engine == "ours" else _work_by_procrastinate)(url, store, end)


async def _work_by_notices(url: str, store: PostgresRunStore, end: Callable[[int], Any]) -> None:
    lease = store.open_lease(Worker("worker", "this host"))
    lease.renew()
    free = asyncio.Semaphore(CLIENTS)
    tasks: set[asyncio.Task[None]] = set()

    async def execute(run_id: int) -> None:
        try:
            await end(run_id)
        finally:
            free.release()

    print("ready", flush=True)
    while True:
        await free.acquire()
        claimed = await store.claim_runs(owner="worker", limit=1 + free._value)
        free.release()
        for run in claimed:
            await free.acquire()
            task = asyncio.create_task(execute(run.id))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if not claimed:
            while Notice.WORK not in await asyncio.to_thread(lease.wait, 2.0):
                pass


async def _work_by_procrastinate(url: str, _: PostgresRunStore, end: Callable[[int], Any]) -> None:
    procrastinate = importlib.import_module("procrastinate")
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
    connections = Connections(url, begin=BEGIN_WRITE, count=4)

    def claim(statements: Statements, run_id: int) -> bool:
        return statements.execute(_CLAIM, {"run_id": run_id}).rowcount > 0

    @app.task(name="execute")
    async def execute(run_id: int) -> None:
        if await connections.transact(claim, run_id):
            await end(run_id)

    async with app.open_async():
        print("ready", flush=True)
        await app.run_worker_async(queues=["default"], concurrency=CLIENTS, install_signal_handlers=False)


@asynccontextmanager
async def working(engine: str, url: str) -> AsyncIterator[dict[int, float]]:
    """A worker process. Yields when the work of each run began."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.queue_engines", engine, url, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    stdout = process.stdout
    began: dict[int, float] = {}
    await stdout.readline()

    async def read() -> None:
        while line := await stdout.readline():
            run_id, at = line.split()
            began[int(run_id)] = float(at)

    reading = asyncio.create_task(read())
    try:
        yield began
    finally:
        process.kill()
        await process.wait()
        await reading


async def measure(engine: str, url: str) -> tuple[list[float], float]:
    """The milliseconds from a start's commit to its work, for one client; and the starts per second of 16 clients."""
    store = await PostgresRunStore.open(url)
    client = Client(engine, url, store)
    async with working(engine, url) as began:
        for _ in range(SINGLE_STARTS):
            run_id = await client.start()
            while run_id not in began:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.005)
        alone = [(began[run_id] - at) * 1000 for run_id, at in client.committed.items()]
        before = len(began)
        since = time.monotonic()
        until = since + SECONDS

        async def use() -> None:
            while time.monotonic() < until:
                run_id = await client.start()
                while run_id not in began:
                    await asyncio.sleep(0.001)

        await asyncio.gather(*(use() for _ in range(CLIENTS)))
        rate = (len(began) - before) / (time.monotonic() - since)
    await client.close()
    await store.close()
    return alone, rate


async def compare() -> None:
    procrastinate = importlib.import_module("procrastinate")
    with private_server() as server:
        store = await PostgresRunStore.open(server.url)
        await store.close()
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=server.url))
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
        figures: dict[str, list[tuple[list[float], float]]] = {engine: [] for engine in _RELEASE}
        for turn in range(TURNS):
            for engine in _RELEASE:
                with psycopg.connect(server.url, autocommit=True) as connection:
                    connection.execute("TRUNCATE runs, procrastinate_jobs CASCADE")
                alone, rate = await measure(engine, server.url)
                figures[engine].append((alone, rate))
                print(f"{turn} {engine:14} p50 {statistics.median(alone):6.1f} ms  {rate:6.0f} starts/s", flush=True)
    for engine, turns in figures.items():
        delays = [delay for alone, _ in turns for delay in alone]
        rate = statistics.median(rate for _, rate in turns)
        p50, p95 = statistics.median(delays), percentile(delays, 0.95)
        print(f"{engine:14}: p50 {p50:.1f} ms, p95 {p95:.1f} ms, {rate:.0f} starts/s with {CLIENTS} clients")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work(*sys.argv[1:]) if len(sys.argv) > 1 else compare())
