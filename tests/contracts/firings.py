"""Builds firings of a schedule, and the runs that they start."""

from dataclasses import replace

import msgspec

from solorun.run import Run
from solorun.schedule import Firing
from solorun.store import NewRun, Store
from tests.contracts.builders import OWNER, beginning, end, later, new_run

NIGHTLY = "handbook.nightly"


def firing(due: float = 0, **changes: object) -> Firing:
    made = Firing(NIGHTLY, "handbook", later(due), later(due + 1))
    return msgspec.structs.replace(made, **changes)


def fired_run(due: float = 0, **changes: object) -> NewRun:
    return replace(new_run(), firing=firing(due, **changes))


async def registered(store: Store, at: float = -100) -> None:
    await store.register_schedules({NIGHTLY: "0 3 * * *"}, at=later(at))


async def completed(store: Store, run: Run, at: float) -> Run:
    await store.commit([beginning(run, at=2)], owner=OWNER)
    return await end(store, await store.get_run(run.id), at=at)


async def delete(store: Store, *runs: Run) -> None:
    ids = [run.id for run in runs]
    assert await store.expire_runs(ids, at=later(450)) == ids
    assert (await store.delete_expired(at=later(450))).run_ids == tuple(ids)
