"""One of several processes that start and end runs on a server that crashes meanwhile:
`python -m tests.faults.postgres_race URL WITNESSES NAME SECONDS`.

A winner holds a kernel lock of its project while it works, so a second one would be noticed whatever the database says.
A start whose answer was lost is resolved by looking for its row. On a very busy machine, a start may also wait in vain
for its turn.
"""

import asyncio
import fcntl
import json
import os
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from solorun.errors import DatabaseUnusable, RunActive, SolorunError
from solorun.outcome import Outcome
from solorun.run import Run
from solorun.status import Status
from solorun.store import FinalState, NewRun
from solorun.stores.postgres import PostgresRunStore
from tests.faults.parent_death import end_with_parent
from tests.faults.race import CLIENTS, HELD_SECONDS, PROJECTS

RETRY_SECONDS = 0.01


class Racer:
    """Eight clients of one store."""

    def __init__(self, store: PostgresRunStore, witnesses: Path, name: str) -> None:
        self._store = store
        self._witnesses = witnesses
        self._name = name
        self._attempts = 0
        self._under_way: set[str] = set()
        self.counts: Counter[str] = Counter()

    async def attempt(self) -> None:
        self._attempts += 1
        caller = f"{self._name}/{self._attempts}"
        self._under_way.add(caller)
        try:
            run = await self._start(random.choice(PROJECTS), caller)
            if run is not None:
                await self._work(run)
                await self._end(run)
        finally:
            self._under_way.discard(caller)

    async def _start(self, project: str, caller: str) -> Run | None:
        new = NewRun(project, "full", caller, {}, datetime.now(UTC), ("work",))
        try:
            run = await self._store.insert_run(new, owner=self._name)
        except RunActive as refusal:
            self.counts["refused"] += 1
            active = refusal.active_run
            if active.triggered_by.startswith(f"{self._name}/") and active.triggered_by not in self._under_way:
                # Its commit was still on its way when its client looked for it.
                await self._end(active)
            return None
        except SolorunError as error:
            self.counts["busy" if "holds a lock" in error.message else "unknown"] += 1
            return await self._resolve(project, caller)
        self.counts["won"] += 1
        return run

    async def _resolve(self, project: str, caller: str) -> Run | None:
        while True:
            try:
                active = await self._store.find_active_run(project)
            except SolorunError:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return active if active is not None and active.triggered_by == caller else None

    async def _work(self, run: Run) -> None:
        witness = os.open(self._witnesses / run.project, os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(witness, fcntl.LOCK_EX | fcntl.LOCK_NB)
            await asyncio.sleep(random.random() * HELD_SECONDS)
        except BlockingIOError:
            self.counts["error: two runs of a project worked at the same time"] += 1
        finally:
            os.close(witness)

    async def _end(self, run: Run) -> None:
        ending = FinalState(Outcome(Status.CANCELLED), datetime.now(UTC))
        while True:
            try:
                await self._store.finalize_run(run.id, owner=self._name, ending=ending)
            except SolorunError:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return


async def _open(url: str) -> PostgresRunStore:
    """Open the store, perhaps only once the server has recovered."""
    while True:
        try:
            return await PostgresRunStore.open(url)
        except DatabaseUnusable:
            await asyncio.sleep(RETRY_SECONDS)


async def main(url: str, witnesses: Path, name: str, seconds: float) -> None:
    store = await _open(url)
    racer = Racer(store, witnesses, name)
    deadline = time.monotonic() + seconds

    async def client() -> None:
        while time.monotonic() < deadline:
            await racer.attempt()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    await store.close()
    print(json.dumps(racer.counts))


if __name__ == "__main__":
    end_with_parent(os.getppid())
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
