"""One of several processes that start and end runs: `python -m tests.faults.race DATA_DIR OWNER SECONDS`."""

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
from solorun.status import ACTIVE, Status, Transition
from solorun.store import Ending, NewRun
from solorun.stores.sqlite import SqliteRunStore

PROJECTS = ("extract", "deploy", "nightly")


async def main(data_dir: Path, owner: str, seconds: float) -> None:
    counts: Counter[str] = Counter()
    store = await SqliteRunStore.open(data_dir)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = datetime.now(UTC)
        new = NewRun(random.choice(PROJECTS), "full", "api", {}, now, ("work",))
        try:
            run = await store.insert_run(new, owner=owner)
        except RunActive:
            counts["refused"] += 1
        except SolorunError as error:
            counts[f"error: {error}"] += 1
        else:
            counts["won"] += 1
            for _ in range(random.randrange(4)):
                # The others try meanwhile.
                await asyncio.sleep(0)
            ending = Ending(Outcome(Status.CANCELLED), now)
            if await store.settle_run(run.id, owner=owner, expected=ACTIVE, ending=ending) is not Transition.UPDATED:
                counts["error: the winner's run was not its own"] += 1
    await store.close()
    print(json.dumps(counts))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
