"""One of several processes that start and end runs: `python -m tests.faults.race DATA_DIR OWNER SECONDS ATTEMPTS`.

Several clients keep its connection busy. A winner holds its project for a moment while the others try.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from solorun.errors import RunActive, SolorunError
from solorun.outcome import Outcome
from solorun.status import Status, UpdateResult
from solorun.store import FinalState, NewRun
from solorun.stores.sqlite import SqliteRunStore

PROJECTS = ("extract", "deploy", "nightly")
HELD_SECONDS = 0.004
CLIENTS = 8


async def main(data_dir: Path, owner: str, seconds: float, attempts: int) -> None:
    counts: Counter[str] = Counter()
    store = await SqliteRunStore.open(data_dir)
    deadline = time.monotonic() + seconds

    async def client() -> None:
        while counts.total() < attempts and time.monotonic() < deadline:
            await attempt(store, owner, counts)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    await store.close()
    print(json.dumps(counts))


async def attempt(store: SqliteRunStore, owner: str, counts: "Counter[str]") -> None:
    now = datetime.now(UTC)
    new = NewRun(random.choice(PROJECTS), "full", "api", {}, now, ("work",))
    try:
        run = await store.insert_run(new, owner=owner)
    except RunActive:
        counts["refused"] += 1
        return
    except SolorunError as error:
        counts[f"error: {error}"] += 1
        return
    counts["won"] += 1
    await asyncio.sleep(random.random() * HELD_SECONDS)
    ending = FinalState(Outcome(Status.CANCELLED), now)
    if await store.finalize_run(run.id, owner=owner, ending=ending) is not UpdateResult.UPDATED:
        counts["error: the winner's run was not its own"] += 1


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])))
