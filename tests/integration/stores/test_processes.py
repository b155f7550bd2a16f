"""Several processes with one database, and a process that does not close its store."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

_RACER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from solorun.errors import RunActive
from solorun.outcome import Outcome
from solorun.status import Status
from solorun.store import FinalState, NewRun
from solorun.stores.sqlite import SqliteRunStore

async def main():
    owner = sys.argv[2]
    store = await SqliteRunStore.open(Path(sys.argv[1]))
    for _ in range(60):
        now = datetime.now(UTC)
        try:
            run = await store.insert_run(NewRun("handbook", "full", "api", {}, now, ("a",)), owner=owner)
        except RunActive as refusal:
            print("refused", refusal.active_run.id)
            continue
        active = await store.list_runs(statuses=[Status.PENDING, Status.RUNNING])
        print("won", run.id, len(active))
        failed = FinalState(Outcome(Status.FAILED, "x"), now)
        await store.finalize_run(run.id, owner=owner, ending=failed)
    await store.close()

asyncio.run(main())
"""

_FORGETFUL = """
import asyncio, sys
from pathlib import Path
from solorun.stores.sqlite import SqliteRunStore

async def main():
    global store
    store = await SqliteRunStore.open(Path(sys.argv[1]))

asyncio.run(main())
print("done", flush=True)
sys.exit(7)
"""

_WAITING = """
import asyncio, sqlite3, sys
from datetime import UTC, datetime
from pathlib import Path
from solorun.store import NewRun
from solorun.stores.sqlite import SqliteRunStore

async def main():
    global store, foreign
    store = await SqliteRunStore.open(Path(sys.argv[1]), lock_timeout_seconds=600)
    foreign = sqlite3.connect(Path(sys.argv[1]) / "solorun.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    new = NewRun("handbook", "full", "api", {}, datetime.now(UTC), ("a",))
    await asyncio.wait([asyncio.create_task(store.insert_run(new, owner="x"))], timeout=0.1)

asyncio.run(main())
print("done", flush=True)
sys.exit(7)
"""


def test_two_of_four_processes_never_hold_the_project_together(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen([sys.executable, "-c", _RACER, str(tmp_path / "data"), f"owner-{n}"], stdout=subprocess.PIPE)
        for n in range(4)
    ]
    outputs = [racer.communicate(timeout=2000)[0].decode().split("\n") for racer in racers]

    lines = [line.split() for output in outputs for line in output if line]
    won = [line for line in lines if line[0] == "won"]
    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    assert len(lines) == 240
    assert {line[2] for line in won} == {"1"}
    assert max(Counter(line[1] for line in won).values()) == 1


@pytest.mark.parametrize("script", [_FORGETFUL, _WAITING], ids=["idle", "waiting for a lock"])
def test_an_open_store_does_not_keep_the_process_alive(tmp_path: Path, script: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "data")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"done\n"

    process.communicate(timeout=60)

    assert process.returncode == 7
