"""The secret parameters of a run that waits: kept until it has ended, and no longer."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import pytest

from solorun.parameter import ParamValue
from solorun.queueing import ConflictPolicy
from solorun.run import Cancel, Run
from solorun.status import Status
from solorun.store import NewRun, Store
from tests.contracts.builders import NOW, OWNER, batch_of, beginning, end, ending, new_run, records, start

SECRETS: Final[dict[str, ParamValue]] = {"token": "correct horse", "tags": ("a", "correct horse"), "pin": 123456}


def waiting(policy: ConflictPolicy = ConflictPolicy.QUEUE) -> NewRun:
    return replace(new_run(), params={"token": "***"}, on_conflict=policy, unmasked_params=SECRETS)


async def promote(store: Store, active: Run) -> Run:
    await end(store, active)
    (run,) = await store.claim_runs(owner=OWNER)
    return run


async def fail(store: Store, active: Run, run: Run) -> None:
    await end(store, await promote(store, active), Status.FAILED)


async def finalize(store: Store, active: Run, run: Run) -> None:
    await promote(store, active)
    await store.finalize_run(run.id, owner=None, ending=ending(Status.INTERRUPTED))


async def cancel(store: Store, active: Run, run: Run) -> None:
    await store.request_cancel(run.id, Cancel(NOW, "api"))


async def replace_it(store: Store, active: Run, run: Run) -> None:
    await store.insert_run(replace(new_run(), on_conflict=ConflictPolicy.REPLACE), owner=OWNER)


async def test_the_values_of_a_waiting_run_are_kept_until_it_begins(store: Store) -> None:
    active = await start(store)

    run = await store.insert_run(waiting(), owner=OWNER)

    assert run.params == {"token": "***"}
    assert await store.read_unmasked_params(run.id) == SECRETS
    assert await store.read_unmasked_params((await promote(store, active)).id) == SECRETS


@pytest.mark.parametrize(
    ("policy", "end_run"),
    [
        (ConflictPolicy.QUEUE, fail),
        (ConflictPolicy.QUEUE, finalize),
        (ConflictPolicy.QUEUE, cancel),
        (ConflictPolicy.REPLACE, replace_it),
    ],
)
async def test_the_values_are_erased_when_the_run_ends(
    store: Store, policy: ConflictPolicy, end_run: Callable[[Store, Run, Run], Awaitable[None]]
) -> None:
    active = await start(store)
    run = await store.insert_run(waiting(policy), owner=OWNER)
    other = await store.insert_run(waiting(), owner=OWNER)

    await end_run(store, active, run)

    assert (await store.get_run(run.id)).has_ended
    assert await store.read_unmasked_params(run.id) == {}
    assert await store.read_unmasked_params(other.id) == SECRETS


async def test_the_values_of_a_run_for_a_worker_are_kept_until_it_ends(store: Store) -> None:
    run = await store.insert_run(replace(waiting(), is_for_worker=True), owner=OWNER)
    await store.return_run(run.id, owner=OWNER)
    (claimed,) = await store.claim_runs(owner="a-worker")
    await store.commit([beginning(claimed, records(1, 1), at=1)], owner="a-worker")

    assert await store.read_unmasked_params(run.id) == SECRETS
    running = await store.get_run(run.id)
    await store.commit([batch_of(running, end=ending())], owner="a-worker")
    assert await store.read_unmasked_params(run.id) == {}


async def test_a_run_that_begins_immediately_keeps_no_values(store: Store) -> None:
    run = await store.insert_run(waiting(), owner=OWNER)

    assert run.status is Status.PENDING
    assert await store.read_unmasked_params(run.id) == {}


@pytest.mark.parametrize("run_id", [0, -1, 4711, 10**30])
async def test_an_unknown_run_has_no_values(store: Store, run_id: int) -> None:
    assert await store.read_unmasked_params(run_id) == {}
