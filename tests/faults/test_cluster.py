"""Services and workers on one database, which are killed and paused while clients start, follow and cancel runs."""

import asyncio
import random
import shutil
import signal
from pathlib import Path

import pytest

from tests.fakes.postgres import fresh_schema
from tests.faults.cluster_trial import cluster_trial, work
from tests.faults.conftest import MakeTrials

LEASE_SECONDS = 3.0
PROJECTS = {"quick": work(1), "steady": work(10), "slow": work(40)}
LONG = {f"long-{number}": work(100, pause=0.2) for number in range(6)}
"""These do not end while a worker is paused, and one worker cannot execute all of them."""
LONG_ROUND = 20
LANES = 2
"""Clusters at the same time, each with a database of its own: most of a trial is a wait for a lease. PostgreSQL
allows 100 connections."""


@pytest.mark.needs(minutes=10)
async def test_killed_services_and_workers_lose_no_run(
    trials: MakeTrials, memory_path: Path, postgres_url: str
) -> None:
    tried = trials("P5", "kill -9 of two services and two workers under load (PostgreSQL)", short=1, goal=2_000)
    kills = LONG_ROUND if tried.is_long else 2
    slowest = 0.0

    async def attempt(number: int) -> None:
        nonlocal slowest
        directory = memory_path / str(number)
        with fresh_schema(postgres_url) as url:
            async with cluster_trial(directory, PROJECTS, url, lease=LEASE_SECONDS) as trial:
                async with trial.load():
                    for kill in range(kills):
                        victim = trial.processes[-1 - kill % 4]
                        await asyncio.sleep(random.random() * 0.5)
                        await asyncio.to_thread(victim.kill)
                        if kill % 3 == 0:  # Another process settles its runs, before it is restarted.
                            await asyncio.sleep(random.random() * 2 * LEASE_SECONDS)
                        await asyncio.to_thread(victim.start)
                        await trial.revive()
                await trial.settle()
                slowest = max(slowest, trial.slowest_settlement())
                tried.judge(await trial.audit(), tried=kills)
                tried.notes = f"lease {LEASE_SECONDS} s; slowest orphan settled {slowest:.1f} s after its lease"
        shutil.rmtree(directory)

    await tried.run_in_lanes(LANES if tried.is_long else 1, attempt)


@pytest.mark.needs(minutes=20)
async def test_a_paused_worker_and_its_processes_never_work_beside_the_next_run(
    trials: MakeTrials, memory_path: Path, postgres_url: str
) -> None:
    tried = trials("P4", "SIGSTOP of a worker for longer than its lease (PostgreSQL)", short=1, goal=500)
    pauses = LONG_ROUND if tried.is_long else 1
    slowest = 0.0

    async def attempt(number: int) -> None:
        nonlocal slowest
        directory = memory_path / str(number)
        with fresh_schema(postgres_url) as url:
            async with cluster_trial(directory, LONG, url, lease=LEASE_SECONDS) as trial:
                async with trial.load(clients=1):
                    for pause in range(pauses):
                        worker = trial.workers[pause % 2]
                        run_id = await trial.running_on(worker)
                        worker.signal(signal.SIGSTOP)
                        await trial.ended(run_id)
                        left = trial.surviving_pids(run_id)
                        await trial.running_on(trial.workers[1 - pause % 2])
                        worker.signal(signal.SIGCONT)
                        tried.judge([f"{left} of run {run_id} were alive when it had ended"] if left else [])
                        await asyncio.to_thread(worker.has_exited, 1.0)
                        await trial.revive()
                await trial.cancel_all()
                slowest = max(slowest, trial.slowest_settlement())
                tried.judge(await trial.audit(), tried=0)
                tried.notes = f"lease {LEASE_SECONDS} s; slowest orphan settled {slowest:.1f} s after its lease"
        shutil.rmtree(directory)

    await tried.run_in_lanes(LANES if tried.is_long else 1, attempt)
