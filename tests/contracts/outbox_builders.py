"""Runs with notification targets, and the deliveries that announce their ends."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from solorun.notification import NotifyEvent
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.status import Status
from solorun.store import NewRun, Store
from tests.contracts.builders import OWNER, beginning, end, new_run

ALL = tuple(NotifyEvent)
EVERYTHING: Mapping[str, Collection[NotifyEvent]] = {"ops": ALL}


def announced(policy: ConflictPolicy = ConflictPolicy.REJECT, **targets: Collection[NotifyEvent]) -> NewRun:
    return replace(new_run(), notify=targets or EVERYTHING, on_conflict=policy)


async def begin(store: Store, new: NewRun) -> Run:
    run = await store.insert_run(new, owner=OWNER)
    await store.commit([beginning(run, at=1)], owner=OWNER)
    return await store.get_run(run.id)


async def run_to(store: Store, status: Status, new: NewRun | None = None) -> Run:
    return await end(store, await begin(store, new or announced()), status)
