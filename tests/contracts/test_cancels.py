"""What the store keeps of a cancel: its request, and what came of it."""

import pytest
from msgspec.structs import replace

from solorun.outcome import StopEffect
from solorun.run import Cancel, Run, cancel_fields
from solorun.status import Status, UpdateResult
from solorun.store import Store
from tests.contracts.builders import OWNER, batch_of, end, ending, later, new_run, records, start, write

REQUESTED = Cancel(later(7), "dashboard", "wrong date", 10.0)
SETTLED = replace(
    REQUESTED,
    signalled_at=later(8),
    position=("41 (sh build.sh)", "  42 (Übersicht)"),
    effect=StopEffect.KILLED,
    settled_at=later(18.25),
)


def cancelled(run: Run, cancel: Cancel) -> Run:
    return replace(run, **cancel_fields(cancel))


async def request(store: Store, run: Run, grace_seconds: float | None = 10.0, *, requested_by: str = "ada") -> Cancel:
    _, run = await store.request_cancel(run.id, Cancel(later(7), requested_by, "enough", grace_seconds))
    assert run.cancel is not None
    return run.cancel


async def test_a_run_without_a_cancel_request_has_no_cancel(store: Store) -> None:
    run = await end(store, await start(store))

    assert run.cancel is None


async def test_a_request_begins_a_cancel(store: Store) -> None:
    run = await start(store)

    cancel = await request(store, run)

    assert cancel == Cancel(later(7), "ada", "enough", 10.0)
    assert (await store.get_run(run.id)) == cancelled(run, cancel)


@pytest.mark.parametrize(
    ("first", "second", "grace"),
    [(10.0, 0.0, 0.0), (10.0, None, 10.0), (0.0, 10.0, 0.0), (None, 2.5, 2.5), (2.5, 2.5, 2.5)],
)
async def test_a_later_request_can_only_shorten_the_grace(
    store: Store, first: float | None, second: float | None, grace: float
) -> None:
    run = await start(store)
    await request(store, run, first)

    cancel = await request(store, run, second, requested_by="bob")

    assert (cancel.requested_by, cancel.grace_seconds) == ("ada", grace)


async def test_a_batch_records_what_came_of_a_cancel(store: Store) -> None:
    run = await start(store)
    await request(store, run)

    await write(store, cancelled(run, SETTLED), records(1, 2))

    assert (await store.get_run(run.id)).cancel == SETTLED


async def test_a_batch_records_a_request_that_is_not_recorded_yet(store: Store) -> None:
    run = await start(store)

    ended = await end(store, cancelled(run, SETTLED), Status.CANCELLED)

    assert ended.cancel == SETTLED
    assert ended.cancel_requested_by == "dashboard"


async def test_a_batch_without_a_cancel_keeps_the_recorded_one(store: Store) -> None:
    run = await start(store)
    cancel = await request(store, run)

    ended = await end(store, run, Status.CANCELLED)

    assert ended.cancel == replace(cancel, settled_at=ended.finished_at)


async def test_a_batch_of_another_owner_records_no_cancel(store: Store) -> None:
    run = await start(store)

    result = await store.commit([batch_of(cancelled(run, SETTLED), records(1, 2))], owner="another")

    assert result == [UpdateResult.NOT_IN_EXPECTED_STATUS]
    assert (await store.get_run(run.id)).cancel is None


async def test_the_end_of_a_run_without_a_task_settles_its_cancel(store: Store) -> None:
    run = await start(store)
    cancel = await request(store, run)

    await store.finalize_run(run.id, owner=OWNER, ending=ending(Status.CANCELLED))

    assert (await store.get_run(run.id)).cancel == replace(cancel, settled_at=later(60))


async def test_the_end_of_a_run_without_a_task_keeps_a_cancel_that_was_settled(store: Store) -> None:
    run = await write(store, cancelled(await start(store), SETTLED), records(1, 2))

    await store.finalize_run(run.id, owner=None, ending=ending(Status.INTERRUPTED, "died"))

    assert (await store.get_run(run.id)).cancel == SETTLED


async def test_a_batch_that_is_no_transition_records_no_cancel(store: Store) -> None:
    run = await store.insert_run(new_run(), owner=OWNER)

    result = await store.commit([batch_of(cancelled(run, SETTLED), end=ending(Status.COMPLETED))], owner=OWNER)

    assert result == [UpdateResult.NOT_IN_EXPECTED_STATUS]
    assert (await store.get_run(run.id)).cancel is None


async def test_the_cancel_of_an_ended_run_does_not_change(store: Store) -> None:
    run = await end(store, cancelled(await start(store), SETTLED), Status.CANCELLED)
    other = replace(SETTLED, effect=StopEffect.STOPPED)

    result = await store.commit([batch_of(cancelled(run, other), records(1, 2))], owner=OWNER)

    assert result == [UpdateResult.NOT_IN_EXPECTED_STATUS]
    assert (await store.get_run(run.id)).cancel == SETTLED


async def test_a_run_that_ended_before_its_work_received_the_cancel_has_settled_it(store: Store) -> None:
    run = await start(store)
    await request(store, run)

    ended = await end(store, run, at=60)

    assert ended.status is Status.COMPLETED
    assert ended.cancel is not None
    assert (ended.cancel.settled_at, ended.cancel.signalled_at) == (later(60), None)
