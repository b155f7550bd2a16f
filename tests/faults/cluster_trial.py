"""A trial of many processes on one PostgreSQL server: services that execute nothing, workers, and HTTP clients."""

import asyncio
import contextlib
import json
import random
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg

from solorun.stores.postgres import PostgresRunStore
from tests.fakes.running_service import ServedService
from tests.fakes.running_worker import RunningWorker
from tests.faults.checkers import audit
from tests.faults.postgres_database import (
    find_stolen_runs,
    install_postgres_triggers,
    read_postgres_database,
    read_settlements,
)
from tests.faults.service_trial import ForkedService, ServiceTrial

ACTIVE = {"status": ["queued", "pending", "running"], "limit": "1000"}
_STATE = (
    "SELECT id, project, status, owner, last_seq, cancel_requested_at FROM runs"
    " WHERE status IN ('queued', 'pending', 'running')",
    "SELECT owner, lease_until - clock_timestamp() AS lease, draining FROM owners",
    "SELECT pid, state, wait_event, clock_timestamp() - xact_start AS age, LEFT(query, 80) AS query,"
    " pg_blocking_pids(pid) AS behind FROM pg_stat_activity WHERE xact_start IS NOT NULL",
)
"""What explains why a run does not end: the runs, the leases, and the transactions in progress."""
_WORK = """\
sleep 600 & echo $! >> "$WITNESS/pids-$SOLORUN_RUN_ID"
i=0
while [ $i -lt {rounds} ]; do
    i=$((i+1)); echo $i; echo "at $SOLORUN_PROJECT $SOLORUN_RUN_ID" >> "$WITNESS/marks"; sleep {pause}
done
kill -9 $!
"""


def work(rounds: int, *, pause: float = 0.02) -> str:
    """A step with a child. It leaves a mark in every round."""
    return _WORK.format(rounds=rounds, pause=pause)


class ForkedWorker(RunningWorker, ForkedService):
    """`solorun worker`, forked from the fork server."""

    form = "worker"

    @property
    def owner(self) -> str:
        """Its id, as the owner of runs."""
        owner: str = json.loads((self.data_dir / "solorun.owner.json").read_text())["owner"]
        return owner

    def has_exited(self, seconds: float) -> bool:
        """Wait for the process to exit, for at most this long. Returns whether it has."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(seconds)
            return True
        return False


class ClusterTrial(ServiceTrial):
    """Clients of two services, and two workers. Use it inside `async with cluster_trial(...)`."""

    def __init__(self, directory: Path, steps: dict[str, str], url: str, audited_url: str, lease: float | None) -> None:
        environ = {"SOLORUN_DATABASE_URL": url} | ({} if lease is None else {"LEASE_SECONDS": str(lease)})
        super().__init__(directory, steps, "[service]\nexecute_runs = false\n", environ, {}, grace="300ms")
        self.url = audited_url
        self.services: list[ForkedService] = [self.service, self.prepare_another("service-2")]
        self.workers = [ForkedWorker(*self.prepare_arguments(f"worker-{number}")) for number in (1, 2)]
        self.stopping = False

    @property
    def processes(self) -> list[ForkedService]:
        return [*self.services, *self.workers]

    def pick(self) -> ServedService:
        return random.choice(self.services)

    async def up(self) -> None:
        """Start all processes, after installing the database's triggers."""
        store = await PostgresRunStore.open(self.url)
        await store.close()
        install_postgres_triggers(self.url)
        await asyncio.gather(*(asyncio.to_thread(process.start) for process in self.processes))

    async def use(self, project: str) -> None:
        """Start, follow and cancel runs of a project until the trial stops."""
        while not self.stopping:
            run_id = await self.start(project)
            if run_id is None:
                await asyncio.sleep(random.random() * 0.1)
                continue
            reader = self.follow(run_id)
            if random.random() < 0.3:
                await asyncio.sleep(random.random() * 0.3)
                await self.cancel(run_id)
            await reader

    @asynccontextmanager
    async def load(self, clients: int = 2) -> AsyncIterator[None]:
        """Clients of all projects, for the length of the block. Then every run ends by itself."""
        users = [asyncio.create_task(self.use(project)) for project in self.projects for _ in range(clients)]
        try:
            yield
        finally:
            self.stopping = True
            for user in users:
                user.cancel()
            await asyncio.gather(*users, return_exceptions=True)
            self.stopping = False

    async def settle(self, seconds: float = 120) -> None:
        """Wait until no run is active or queued."""
        async with self._within(seconds):
            while await self.list_active() != []:
                await asyncio.sleep(0.05)

    async def cancel_all(self) -> None:
        """Cancel what is active, and wait for it."""
        for run_id in await self.list_active() or ():
            await self.cancel(run_id)
        await self.settle()

    async def list_active(self) -> list[int] | None:
        """None if no service answers."""
        with contextlib.suppress(httpx.TransportError):
            answer = await self.client.get(f"{self.pick().api}/runs", params=ACTIVE)
            if answer.status_code == 200:
                return [run["id"] for run in answer.json()["runs"]]
        return None

    def list_runs(self) -> list[int]:
        """The ids of all runs."""
        return self._query("SELECT id FROM runs")

    async def revive(self) -> None:
        """Restart the workers that could not stop their work in time, as a supervisor does."""
        for worker in self.workers:
            if worker.has_exited(0):
                await asyncio.to_thread(worker.start)

    async def running_on(self, worker: ForkedWorker) -> int:
        """Wait until the worker executes a run whose step has begun, and return its id."""
        async with self._within(60):
            while True:
                await self.revive()
                for run_id in self._query("SELECT id FROM runs WHERE status = 'running' AND owner = %s", worker.owner):
                    if self.recorded_pids(run_id)[1:]:
                        found: int = run_id
                        return found
                await asyncio.sleep(0.01)

    async def ended(self, run_id: int) -> str:
        """Wait until the row of the run has ended, and return its status."""
        query = "SELECT status FROM runs WHERE id = %s AND status NOT IN ('pending', 'running')"
        async with self._within(120):
            while not (found := self._query(query, run_id)):
                await asyncio.sleep(0.02)
            status: str = found[0]
            return status

    async def stop(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in self.processes))

    async def audit(self, *, at_rest: bool = True) -> list[str]:
        """Stop all processes and run all checkers. The workers stop when they have executed what the last starts of
        clients that have left inserted while the services were stopping.
        """
        await asyncio.gather(*(asyncio.to_thread(service.stop) for service in self.services))
        async with self._within(120):
            while self._query("SELECT id FROM runs WHERE status IN ('queued', 'pending', 'running')"):
                await self.revive()
                await asyncio.sleep(0.05)
        await self.stop()
        self.history.read_marks(self.witness / "marks")
        violations = audit(self.history, read_postgres_database(self.url), at_rest=at_rest)
        return [*violations, *find_stolen_runs(self.url)]

    def slowest_settlement(self) -> float:
        """The seconds from the end of a lost lease to the end of its last run."""
        return max((seconds for _, seconds in read_settlements(self.url)), default=0.0)

    @asynccontextmanager
    async def _within(self, seconds: float) -> AsyncIterator[None]:
        """Limits a wait. If it takes longer, the error says what the database knows."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            rows = [row for sql in _STATE for row in self._query(f"SELECT to_jsonb(found)::text FROM ({sql}) AS found")]
            raise AssertionError("\n".join([f"nothing happened for {seconds:g} s:", *rows])) from None

    def _query(self, sql: str, *parameters: object) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return [row[0] for row in connection.execute(sql, parameters).fetchall()]


@asynccontextmanager
async def cluster_trial(
    directory: Path, steps: dict[str, str], url: str, *, audited_url: str = "", lease: float | None = None
) -> AsyncIterator[ClusterTrial]:
    """A trial whose processes use the database at `url`, which the auditor reads at `audited_url`, if it is another.

    `lease` is the length of a lease in seconds, if not the usual one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    trial = ClusterTrial(directory, steps, url, audited_url or url, lease)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as trial.client:
        try:
            await trial.up()
            yield trial
        finally:
            await trial.stop()
