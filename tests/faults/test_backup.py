"""Backups of a service under load, and kill -9 while it copies: each holds every run acknowledged before it."""

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from solorun.stores.sqlite import SqliteRunStore
from tests.faults.conftest import MakeTrials
from tests.faults.service_trial import ServiceTrial, service_trial

PROJECTS = {"first": "seq 500", "second": "seq 2000", "third": "true"}
CLIENTS_OF_A_PROJECT = 3
LANES = 3


@pytest.mark.needs(minutes=5)
async def test_a_backup_under_load_holds_every_acknowledged_run(trials: MakeTrials, memory_path: Path) -> None:
    tried = trials("P24", "backups under load, and kill -9 of the service in every second", short=1, goal=1_000)
    backups = 40 if tried.is_long else 2

    async def attempt(number: int) -> None:
        async with service_trial(memory_path / str(number), PROJECTS) as trial:
            acknowledged: set[int] = set()
            clients = [
                asyncio.create_task(_use(trial, name, acknowledged))
                for name in PROJECTS
                for _ in range(CLIENTS_OF_A_PROJECT)
            ]
            violations: list[str] = []
            for backup in range(backups):
                await asyncio.sleep(random.random() * 0.2)
                if backup % 2:
                    violations += await _kill_while_copying(trial)
                else:
                    violations += await _find_violations(trial, set(acknowledged))
            for client in clients:
                client.cancel()
            await asyncio.wait(clients)
            tried.judge([*violations, *await trial.audit()], tried=backups)
            tried.notes = f"{len(acknowledged):,} acknowledged runs in the last trial"
        shutil.rmtree(trial.directory)

    await tried.run_in_lanes(LANES if tried.is_long else 1, attempt)


async def _use(trial: ServiceTrial, project: str, acknowledged: set[int]) -> None:
    while True:
        run_id = await trial.start(project)
        if run_id is not None:
            acknowledged.add(run_id)
        await asyncio.sleep(random.random() * 0.02)


async def _find_violations(trial: ServiceTrial, acknowledged: set[int]) -> list[str]:
    """What is wrong with a backup that begins now."""
    answer = await trial.client.post(f"{trial.service.api}/backup")
    if answer.status_code != 200:
        return [f"the backup was answered with {answer.status_code}: {answer.text}"]
    copy = trial.directory / "copy"
    copy.mkdir()
    (copy / "solorun.db").write_bytes(answer.content)
    store = await SqliteRunStore.open(copy)
    try:
        found = [f"doctor: {finding.message}" for finding in await store.check()]
    finally:
        await store.close()
    with closing(sqlite3.connect(copy / "solorun.db")) as connection:
        copied = {run_id for (run_id,) in connection.execute("SELECT id FROM runs")}
    shutil.rmtree(copy)
    return found + [
        f"run {run_id} is missing in a backup that began after its start" for run_id in sorted(acknowledged - copied)
    ]


async def _kill_while_copying(trial: ServiceTrial) -> list[str]:
    """What a kill leaves of a copy after the service has started again."""
    backup = asyncio.create_task(trial.client.post(f"{trial.service.api}/backup"))
    await asyncio.sleep(random.random() * 0.02)
    await asyncio.to_thread(trial.service.kill)
    await asyncio.gather(backup, return_exceptions=True)
    await trial.up()
    return [f"{file.name} was left by a killed service" for file in trial.service.data_dir.glob("*.backup-*")]
