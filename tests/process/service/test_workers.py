"""Services that leave all runs to `solorun worker`: any of them answers for any run."""

import asyncio
import re
import signal
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from solorun import RunClient
from solorun.status import Status
from solorun.worker import WorkerState
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService
from tests.fakes.solorun_process import Command, solorun
from tests.process.service.clients import LIMIT_SECONDS, until_logged

PROJECTS = "".join(
    project_toml(name, {"work": "echo $$ > pid; echo begun; until [ -e finish ]; do sleep 0.05; done"})
    for name in ("handbook", "glossary")
)


class Cluster:
    """Services and workers on one database."""

    def __init__(self, directory: Path, database_url: str, stack: ExitStack) -> None:
        self.directory = directory / "worker"
        self.directory.mkdir()
        (self.directory / "solorun.toml").write_text(PROJECTS)
        self._database_url = database_url
        self._stack = stack

    def serve(self, name: str) -> RunClient:
        """A client of a new service that executes no runs."""
        directory = self.directory.parent / name
        directory.mkdir()
        environ = {"SOLORUN_DATABASE_URL": self._database_url, "SOLORUN_EXECUTE_RUNS": "false"}
        service = ServedService(directory, PROJECTS, environ)
        self._stack.callback(service.stop)
        service.start()
        return RunClient(service.url)

    @asynccontextmanager
    async def worker(self) -> AsyncGenerator[tuple[Command, str]]:
        """A worker and its id."""
        environ = {"SOLORUN_DATABASE_URL": self._database_url}
        async with solorun("worker", "--capacity", "2", env=environ, cwd=self.directory) as command:
            line = await command.until_stdout_shows("executes up to 2 runs with the label default")
            found = re.search(r"Worker (\S+) ", line)
            assert found is not None
            yield command, found.group(1)

    def expire_lease(self, worker_id: str) -> None:
        """What happens by itself when the worker has not renewed its lease for long enough."""
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            connection.execute("UPDATE owners SET lease_until = clock_timestamp() WHERE owner = %s", [worker_id])


@pytest.fixture
def cluster(tmp_path: Path, database_url: str) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path, database_url, stack)


async def test_a_worker_executes_what_any_service_starts_until_it_has_drained(cluster: Cluster) -> None:
    first, second, third = (cluster.serve(name) for name in ("first", "second", "third"))
    async with first, second, third:
        run = await first.start_run("handbook")
        async with cluster.worker() as (worker, worker_id):
            await until_logged(second, run.id, "begun")
            await third.cancel_run(run.id)
            cancelled = await second.wait_for_run(run.id)
            in_progress = await second.start_run("glossary")
            await until_logged(third, in_progress.id, "begun")

            worker.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(LIMIT_SECONDS):
                while await list_draining(third) != [worker_id]:
                    await asyncio.sleep(0.05)
            late = await first.start_run("handbook")
            (cluster.directory / "finish").touch()
            finished = await worker.finish()
        last, left = await third.wait_for_run(in_progress.id), await third.get_run(late.id)

    assert (cancelled.status, cancelled.worker) == (Status.CANCELLED, worker_id)
    assert (last.status, last.worker) == (Status.COMPLETED, worker_id)
    assert (left.status, left.worker) == (Status.PENDING, None)
    assert finished.code == 0, finished.err


async def test_the_run_of_a_killed_worker_ends_with_its_processes_and_another_worker_goes_on(cluster: Cluster) -> None:
    async with cluster.serve("service") as client:
        run = await client.start_run("handbook")
        async with cluster.worker() as (worker, worker_id):
            await until_logged(client, run.id, "begun")
            work = Path("/proc", (cluster.directory / "pid").read_text().strip())
            worker.process.kill()
            await worker.finish()
        cluster.expire_lease(worker_id)

        async with asyncio.timeout(LIMIT_SECONDS):
            while work.exists():
                await asyncio.sleep(0.05)
            ended = await client.wait_for_run(run.id)
        (cluster.directory / "finish").touch()
        async with cluster.worker():
            after = await client.wait_for_run((await client.start_run("handbook")).id)

    assert (ended.status, ended.worker) == (Status.INTERRUPTED, worker_id)
    assert after.status is Status.COMPLETED


async def list_draining(client: RunClient) -> list[str]:
    return [worker.id for worker in (await client.list_workers()).workers if worker.state is WorkerState.DRAINING]
