"""Clients that start runs with all policies and repeat their requests, while the service is killed."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator

import anyio
import httpx

from solorun.queueing import ConflictPolicy
from tests.fakes.running_service import ServedService
from tests.faults.database import Database
from tests.faults.service_trial import ServiceTrial

PAUSE_SECONDS = 0.3
_UNFINISHED = {"status": ["queued", "pending", "running"], "limit": "1000"}


class MixedStarts:
    """The keys of one trial, and the runs that they have led to. A key tags the run that it has started."""

    def __init__(self, trial: ServiceTrial, projects: Iterable[str]) -> None:
        self._trial = trial
        self._projects = tuple(projects)
        self.services: list[ServedService] = [trial.service]
        self.runs: dict[str, set[int]] = defaultdict(set)
        self.joined: set[str] = set()
        self.stopping = False
        self.answers: dict[int, int] = defaultdict(int)

    async def use(self, name: str) -> None:
        """One client, until it has to stop. It repeats a request that got no answer, and some that got one."""
        number = 0
        while not self.stopping:
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

    def find_violations(self, database: Database, tags: Iterable[tuple[int, str, bool]]) -> Iterator[str]:
        """Each key has led to one run, which exists once. `tags` has the key of each run, and whether it was given back
        because the start was not confirmed in time.
        """
        worked = {mark.run_id for mark in self._trial.history.marks}
        tagged: dict[str, list[int]] = defaultdict(list)
        for run_id, key, is_given_back in tags:
            if not is_given_back:
                tagged[key].append(run_id)
            elif run_id in worked:
                yield f"run {run_id} has worked, but its start was not confirmed"
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
        url, headers = f"{random.choice(self.services).api}/projects/{project}/runs", {"Idempotency-Key": key}
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
