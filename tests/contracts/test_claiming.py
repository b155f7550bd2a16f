"""Pending runs without an owner: a process that has their labels claims them, returns them, or cancels them."""

from dataclasses import replace

from solorun.queueing import ConflictPolicy
from solorun.record import Level, Record, Stream
from solorun.run import Cancel, Refusal, Run
from solorun.status import Status, StepStatus, UpdateResult
from solorun.store import Store
from solorun.worker import DEFAULT_LABELS
from tests.contracts.builders import (
    OWNER,
    beginning,
    end,
    insert,
    later,
    new_run,
    queued,
    read_all,
    records,
    segment_of,
    start,
    status_of,
)

ANOTHER = "another-worker"
REFUSAL = Record(1, later(1), Level.WARNING, None, Stream.SOLORUN, "refused by this-service: another version")


async def leave(store: Store, project: str, *labels: str) -> Run:
    """A pending run that no process has claimed."""
    run = await insert(store, replace(new_run(project), labels=labels or DEFAULT_LABELS, is_for_worker=True))
    await store.return_run(run.id, owner=OWNER)
    return await store.get_run(run.id)


async def claimed(store: Store, *labels: str, limit: int | None = None, refused: tuple[int, ...] = ()) -> list[int]:
    return [run.id for run in await store.claim_runs(owner=ANOTHER, labels=labels, limit=limit, refused=refused)]


async def test_a_run_without_an_owner_says_which_labels_it_waits_for(store: Store) -> None:
    run = await leave(store, "handbook", "eu", "gpu")

    assert (run.status, run.worker, run.labels) == (Status.PENDING, None, ("eu", "gpu"))


async def test_a_worker_claims_the_runs_whose_labels_it_has(store: Store) -> None:
    default = (await leave(store, "dictionary")).id
    gpu = (await leave(store, "handbook", "gpu")).id
    both = (await leave(store, "glossary", "eu", "gpu")).id
    expected = {
        ("gpu",): [gpu],
        ("eu", "gpu"): [gpu, both],
        ("eu", "gpu", "default", "arm"): [default, gpu, both],
        ("default",): [default],
        ("eu",): [],
        ("GPU",): [],
        (): [],
    }

    found = {}
    for labels in expected:
        found[labels] = await claimed(store, *labels)
        for run_id in found[labels]:
            await store.return_run(run_id, owner=ANOTHER)

    assert found == expected


async def test_a_process_without_labels_claims_every_run(store: Store) -> None:
    runs = [await leave(store, "handbook", "gpu"), await leave(store, "glossary")]

    found = await store.claim_runs(owner=ANOTHER)

    assert [(run.id, run.worker) for run in found] == [(run.id, ANOTHER) for run in runs]


async def test_a_run_that_no_process_has_claimed_is_replaced_immediately(store: Store) -> None:
    run = await leave(store, "handbook", "gpu")

    head = await insert(store, queued(policy=ConflictPolicy.REPLACE))

    assert (head.status, head.worker, head.replaces) == (Status.PENDING, None, run.id)
    replaced = await store.get_run(run.id)
    assert (replaced.status, replaced.cancel_reason) == (Status.CANCELLED, f"replaced by run {head.id}")
    assert {step.status for step in replaced.steps} == {StepStatus.SKIPPED}
    assert {step.status for step in head.steps} == {StepStatus.PENDING}
    assert await claimed(store, "default") == [head.id]


async def test_the_oldest_runs_are_claimed_first_and_each_only_once(store: Store) -> None:
    runs = [(await leave(store, project)).id for project in ("c", "a", "d", "b", "e")]

    pages = [await claimed(store, "default", limit=limit) for limit in (2, 0, 2, 2, 2)]

    assert pages == [runs[:2], [], runs[2:4], runs[4:], []]


async def test_a_refused_run_does_not_count_towards_the_limit(store: Store) -> None:
    runs = [(await leave(store, project)).id for project in ("a", "b", "c")]

    assert await claimed(store, "default", limit=1, refused=(runs[0], runs[2], 4711)) == [runs[1]]
    assert await claimed(store, "default", refused=(runs[0], runs[2])) == []
    assert await claimed(store, "default") == [runs[0], runs[2]]


async def test_a_claimed_run_belongs_to_its_claimant(store: Store) -> None:
    run = await leave(store, "handbook")
    await claimed(store, "default")

    mine = await store.commit([beginning(run, at=1)], owner=OWNER)
    theirs = await store.commit([beginning(run, at=1)], owner=ANOTHER)

    assert (mine, theirs) == ([UpdateResult.NOT_IN_EXPECTED_STATUS], [UpdateResult.UPDATED])


# -- returning


async def test_a_return_keeps_why_the_run_was_refused(store: Store) -> None:
    run = await insert(store, new_run())

    await store.return_run(run.id, owner=OWNER, closing=segment_of(run.id, [REFUSAL]))

    returned = await store.get_run(run.id)
    assert (returned.worker, returned.last_seq, returned.level_counts.warning) == (None, 1, 1)
    assert await read_all(store, run.id) == [REFUSAL]
    (again,) = await store.claim_runs(owner=ANOTHER)
    assert await store.commit([beginning(again, records(2, 3), at=2)], owner=ANOTHER) == [UpdateResult.UPDATED]
    assert [record.seq for record in await read_all(store, run.id)] == [1, 2, 3]


async def test_records_that_do_not_follow_the_last_one_return_nothing(store: Store) -> None:
    run = await insert(store, new_run())

    await store.return_run(run.id, owner=OWNER, closing=segment_of(run.id, records(5, 5)))

    assert (await store.get_run(run.id)).worker == OWNER
    assert await read_all(store, run.id) == []


async def test_a_run_that_has_begun_is_not_returned(store: Store) -> None:
    run = await start(store)

    await store.return_run(run.id, owner=OWNER, closing=segment_of(run.id, [REFUSAL]))

    assert await store.get_run(run.id) == run
    assert await store.claim_runs(owner=ANOTHER) == []


async def test_a_run_is_returned_with_its_project_and_its_slots(store: Store) -> None:
    await store.declare_resources({"gpu": 1})
    run = await insert(store, queued(gpu=1))
    await store.return_run(run.id, owner=OWNER)

    behind = await insert(store, queued("dictionary", gpu=1))

    assert await status_of(store, run, behind) == [Status.PENDING, Status.QUEUED]
    assert [hold.run_id for hold in await store.list_holds()] == [run.id]


async def test_a_run_keeps_which_workers_refused_it(store: Store) -> None:
    run = await insert(store, new_run())
    first, second = Refusal(OWNER, later(1), "other steps"), Refusal(ANOTHER, later(2), "another “key”")

    await store.return_run(run.id, owner=ANOTHER, refusals=[second])  # which has not claimed it
    await store.return_run(run.id, owner=OWNER, refusals=[first])
    (again,) = await store.claim_runs(owner=ANOTHER)
    await store.return_run(run.id, owner=ANOTHER, refusals=[*again.refusals, second])
    (last,) = await store.claim_runs(owner=OWNER)
    await store.return_run(run.id, owner=OWNER)

    assert (run.refusals, again.refusals, last.refusals) == ((), (first,), (first, second))
    await store.request_cancel(run.id, Cancel(later(3), "anna"))
    assert (await store.get_run(run.id)).refusals == (first, second)


# -- cancelling


async def test_a_cancel_ends_a_run_that_no_process_has_claimed(store: Store) -> None:
    await store.declare_resources({"gpu": 1})
    run = await insert(store, queued(gpu=1))
    next_of_project, next_of_resource = await insert(store, queued()), await insert(store, queued("dictionary", gpu=1))
    await store.return_run(run.id, owner=OWNER)

    result, cancelled = await store.request_cancel(run.id, Cancel(later(5), "anna", "not today"))

    assert (result, cancelled.status, cancelled.finished_at) == (UpdateResult.UPDATED, Status.CANCELLED, later(5))
    assert cancelled.cancel == Cancel(later(5), "anna", "not today", settled_at=later(5))
    assert {step.status for step in cancelled.steps} == {StepStatus.SKIPPED}
    assert await status_of(store, next_of_project, next_of_resource) == [Status.PENDING, Status.PENDING]
    assert run.id not in await claimed(store, "default")


async def test_a_cancel_of_a_claimed_run_is_left_to_its_owner(store: Store) -> None:
    run = await leave(store, "handbook")
    await claimed(store, "default")

    result, asked = await store.request_cancel(run.id, Cancel(later(5), "anna"))

    assert (result, asked.status) == (UpdateResult.UPDATED, Status.PENDING)
    assert asked.cancel is not None


async def test_a_run_that_is_returned_after_its_cancel_was_requested_ends(store: Store) -> None:
    run = await insert(store, new_run())
    behind = await insert(store, queued())
    await store.request_cancel(run.id, Cancel(later(5), "anna", "not today"))

    await store.return_run(run.id, owner=OWNER)

    ended = await store.get_run(run.id)
    assert (ended.status, ended.cancel) == (
        Status.CANCELLED,
        Cancel(later(5), "anna", "not today", settled_at=later(5)),
    )
    assert await status_of(store, behind) == [Status.PENDING]


# -- other owners' runs


async def test_the_runs_of_others_include_those_that_no_process_has_claimed(store: Store) -> None:
    mine = await start(store, "mine")
    theirs = await start(store, "theirs", owner=ANOTHER)
    unclaimed = await leave(store, "unclaimed")
    await insert(store, queued("mine"))
    await end(store, await start(store, "ended"))

    assert await store.list_foreign_runs(OWNER) == [theirs, unclaimed]
    assert await store.list_foreign_runs(ANOTHER) == [mine, unclaimed]
    assert [run.id for run in await store.list_orphaned_runs(ANOTHER)] == [mine.id]
