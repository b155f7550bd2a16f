"""Services and workers whose database crashes, is cut off or stays away while clients use them."""

import asyncio
import random
import shutil
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.fakes.postgres import private_server
from tests.faults.cluster_trial import ClusterTrial, cluster_trial, work
from tests.faults.conftest import MakeTrials
from tests.faults.unix_proxy import unix_proxy

PROJECTS = {name: work(rounds) for name, rounds in (("quick", 1), ("steady", 10), ("slow", 40))}
LONG_ROUND = 20
LANES = 3
OUTAGES = (3, 36, 120)


@pytest.mark.needs(minutes=10)
async def test_restarts_of_the_database_lose_no_run(trials: MakeTrials, memory_path: Path) -> None:
    tried = trials("P3", "immediate restarts of PostgreSQL under two services and two workers", short=1, goal=1_000)
    restarts = LONG_ROUND if tried.is_long else 2

    async def attempt(number: int) -> None:
        directory = memory_path / str(number)
        with private_server() as server:
            async with cluster_trial(directory, PROJECTS, server.url) as trial:
                async with trial.load():
                    for _ in range(restarts):
                        await asyncio.sleep(0.3 + random.random())
                        await asyncio.to_thread(server.crash_and_restart)
                await trial.settle()
                tried.judge(await trial.audit(), tried=restarts)
        shutil.rmtree(directory)

    await tried.run_in_lanes(LANES if tried.is_long else 1, attempt)


@pytest.mark.needs(minutes=5)
async def test_cut_connections_to_the_database_lose_no_run(trials: MakeTrials, memory_path: Path) -> None:
    tried = trials("P3", "connections to PostgreSQL that a proxy cuts, under the same load", short=1, goal=1_000)
    with private_server() as server:
        (host,) = parse_qs(urlsplit(server.url).query)["host"]
        async with unix_proxy(Path(host) / ".s.PGSQL.5432") as proxy:
            url = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"
            directory = memory_path / "trial"
            async with cluster_trial(directory, PROJECTS, url, audited_url=server.url) as trial:
                async with trial.load():
                    for _ in tried:
                        for _ in range(10):
                            await asyncio.sleep(random.random() * 0.2)
                            tried.tried += proxy.cut(0.3)
                await trial.settle()
                tried.judge(await trial.audit(), tried=0)
    assert not tried.violations, "\n".join(tried.violations)


@pytest.mark.needs(minutes=8)
async def test_everything_recovers_by_itself_after_an_outage_of_the_database(
    trials: MakeTrials, memory_path: Path
) -> None:
    tried = trials("P21", "outages of PostgreSQL, of 3, 36 and 120 s, under the same load", short=1, goal=6)
    notes, exits = [], 0
    for number in tried:
        seconds = OUTAGES[number % len(OUTAGES)]
        directory = memory_path / str(number)
        with private_server() as server:
            async with cluster_trial(directory, PROJECTS, server.url) as trial:
                async with trial.load():
                    await trial.running_on(trial.workers[0])
                    await asyncio.to_thread(server.crash)
                    await asyncio.sleep(seconds)
                    await asyncio.to_thread(server.start)
                    for worker in trial.workers:
                        # One that could not stop its work in time has exited, and its supervisor restarts it.
                        if worker.has_exited(0):
                            exits += 1
                            await asyncio.to_thread(worker.start)
                    notes.append(f"{await _until_new_work(trial):.1f} s after {seconds} s")
                await trial.settle()
                tried.judge(await trial.audit())
                tried.notes = f"new work began {', '.join(notes)}; {exits} workers exited"
        shutil.rmtree(directory)


async def _until_new_work(trial: ClusterTrial) -> float:
    """Wait until each worker executes a run that was started after now, and return the seconds that this took."""
    began = time.monotonic()
    newest = max(trial.list_runs())
    async with asyncio.timeout(120):
        for worker in trial.workers:
            while await trial.running_on(worker) <= newest:
                await asyncio.sleep(0.01)
    return time.monotonic() - began
