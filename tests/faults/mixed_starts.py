"""Clients that start runs with all policies and repeat their requests, while the service is killed."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator

import anyio
import httpx

from solorun.queueing import ConflictPolicy
from tests.faults.database import Database
from tests.faults.service_trial import ServiceTrial

PAUSE_SECONDS = 0.3
_UNFINISHED = {"status": ["queued", "pending", "running"], "limit": "1000"}


class MixedStarts:
    """The keys of one trial, and the runs that they have led to. A key tags the run that it has started."""

    def __init__(self, trial: ServiceTrial, projects: Iterable[str]) -> None:
        self._trial = trial
        self._projects = tuple(projects)
        self.runs: dict[str, set[int]] = defaultdict(set)
        self.joined: set[str] = set()
        self.answers: dict[int, int] = defaultdict(int)

    async def use(self, name: str) -> None:
        """One client, until it is cancelled. It repeats a request that got no answer, and some that got one."""
        number = 0
        while True:
            number += 1
            key, project, policy = f"{name}-{number}", random.choice(self._projects), random.choice([*ConflictPolicy])
            while not await self._start(project, key, policy) or random.random() < 0.3:
                await asyncio.sleep(random.random() * PAUSE_SECONDS / 3)
            await asyncio.sleep(random.random() * PAUSE_SECONDS)

    async def finish(self) -> None:
        """Cancel what waits, and wait until everything has ended."""
        trial = self._trial
        with anyio.fail_after(120):
            while runs := (await trial.client.get(f"{trial.service.api}/runs", params=_UNFINISHED)).json()["runs"]:
                for run in runs:
                    if run["status"] == "queued":
                        await trial.cancel(run["id"])
                await asyncio.sleep(0.05)

    def find_violations(self, database: Database, tags: dict[int, str]) -> Iterator[str]:
        """Each key has led to one run, which exists once. `tags` has the key of each run."""
        tagged: dict[str, list[int]] = defaultdict(list)
        for run_id, key in tags.items():
            tagged[key].append(run_id)
        for key, answered in self.runs.items():
            if len(answered) > 1 or not answered <= database.runs.keys():
                yield f"the key {key} was answered with runs {sorted(answered)}"
            elif key not in self.joined and tagged[key] != [*answered]:
                yield f"the key {key} was answered with run {answered}, and the database has {tagged[key]}"
        for key, run_ids in tagged.items():
            if len(run_ids) > 1:
                yield f"the key {key} has started runs {run_ids}"

    async def _start(self, project: str, key: str, policy: ConflictPolicy) -> bool:
        """Returns whether the request was answered."""
        trial = self._trial
        url, headers = f"{trial.service.api}/projects/{project}/runs", {"Idempotency-Key": key}
        with trial.history.operation("start", project) as operation:
            try:
                answer = await trial.client.post(
                    url, headers=headers, json={"triggered_by": key, "on_conflict": policy}
                )
            except httpx.TransportError:
                operation.unknown()
                return False
            body = answer.json()
            self.answers[answer.status_code] += 1
            if answer.status_code >= 400:
                slug = body["type"].rpartition("/")[2]
                operation.fail(body["active_run"]["id"] if slug == "run-active" else slug)
                return answer.status_code == 409
            self.runs[key].add(body["id"])
            if body["joined"]:
                self.joined.add(key)
            if body["joined"] or body["replayed"]:
                operation.fail("joined or replayed")
            else:
                operation.ok(body["id"])
            return True
