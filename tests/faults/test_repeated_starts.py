"""kill -9 of the whole service while clients repeat their starts: a key leads to one run, which exists once."""

import asyncio
import random
import shutil
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import MakeTrials
from tests.faults.service_trial import ServiceTrial, service_trial
from tests.faults.trial import until

PROJECTS = {"first": "echo done", "second": "echo done; sleep 0.1"}
CLIENTS_OF_A_KEY = 3
LANES = 5


class Keys:
    """The keys of one trial, and the runs that the service has answered them with. A key tags its runs."""

    def __init__(self, trial: ServiceTrial) -> None:
        self._trial = trial
        self.runs: dict[str, set[int]] = defaultdict(set)
        self.replayed = 0

    async def start_until_answered(self, project: str, key: str) -> None:
        """Repeat a start until it has a run, as a client does after refusals, 503s and lost connections."""
        while not await self._start(project, key):
            await asyncio.sleep(random.random() * 0.02)

    async def _start(self, project: str, key: str) -> bool:
        trial = self._trial
        with trial.history.operation("start", project) as operation:
            url, headers = f"{trial.service.api}/projects/{project}/runs", {"Idempotency-Key": key}
            try:
                answer = await trial.client.post(url, headers=headers, json={"triggered_by": key})
            except httpx.TransportError:
                operation.unknown()
                return False
            body = answer.json()
            if answer.status_code == 409:
                operation.fail(body["active_run"]["id"])
            elif answer.status_code != 201:
                operation.fail(body["type"].rpartition("/")[2])
            elif body["replayed"]:
                operation.fail("replayed")
                self.replayed += 1
            else:
                operation.ok(body["id"])
            if answer.status_code == 201:
                self.runs[key].add(body["id"])
            return answer.status_code == 201

    def find_violations(self, database: Path) -> list[str]:
        """Compare with the database of the stopped service."""
        stored: dict[str, list[int]] = defaultdict(list)
        with closing(sqlite3.connect(database)) as connection:
            # A run whose start was not confirmed in time is failed, and gives its key back.
            for key, run_id, message in connection.execute("SELECT triggered_by, id, error_message FROM runs"):
                if not (message or "").startswith("it could not be started"):
                    stored[key].append(run_id)
        return [
            f"the key {key} was answered with runs {sorted(answered)}, and the database has {stored[key]}"
            for key, answered in self.runs.items()
            if [*answered] != stored[key]
        ]


@pytest.mark.needs(minutes=6)
async def test_a_key_leads_to_one_run_however_often_the_service_is_killed(
    trials: MakeTrials, memory_path: Path
) -> None:
    tried = trials("P5", "kill -9 of the whole service while clients repeat starts by key", short=1, goal=2_000)
    kills = 20 if tried.is_long else 4

    async def attempt(number: int) -> None:
        async with service_trial(memory_path / str(number), PROJECTS) as trial:
            keys = Keys(trial)
            clients = [
                asyncio.create_task(_use(keys, name, f"{name}-{group}"))
                for name in PROJECTS
                for group in range(2)
                for _ in range(CLIENTS_OF_A_KEY)
            ]
            for _ in range(kills):
                await asyncio.sleep(random.random() * 0.5)
                await asyncio.to_thread(trial.service.kill)
                await trial.up()
            await until(lambda: keys.replayed > 0)
            for client in clients:
                client.cancel()
            await asyncio.wait(clients)
            violations = await trial.audit()
            tried.judge([*violations, *keys.find_violations(trial.database)], tried=kills)
            tried.notes = f"{len(keys.runs):,} keys in the last trial, {keys.replayed:,} replays"
        shutil.rmtree(trial.directory)

    await tried.run_in_lanes(LANES if tried.is_long else 1, attempt)


async def _use(keys: Keys, project: str, name: str) -> None:
    """Several clients go through the same keys, each at its own pace."""
    number = 0
    while True:
        number += 1
        await keys.start_until_answered(project, f"{name}-{number}")
