"""Transitions from pending to an end: each is conditional, and its result says why it was refused."""

import pytest
from msgspec.structs import replace

from solorun.record import Level
from solorun.run import Cancel, RunStep
from solorun.status import TERMINAL, TRANSITIONS, Status, StepStatus, UpdateResult
from solorun.store import Store
from tests.contracts.builders import (
    NOW,
    OWNER,
    batch_of,
    beginning,
    end,
    ending,
    later,
    new_run,
    records,
    segment_of,
    start,
    write,
)


async def test_a_pending_run_becomes_running_with_its_first_records(store: Store) -> None:
    run = await store.insert_run(new_run(), owner=OWNER)

    moved = await store.commit([beginning(run, records(1, 2), at=5)], owner=OWNER)

    assert moved == [UpdateResult.UPDATED]
    run = await store.get_run(run.id)
    assert (run.status, run.started_at, run.last_seq) == (Status.RUNNING, later(5), 2)


async def test_records_of_a_pending_run_leave_it_pending(store: Store) -> None:
    run = await store.insert_run(new_run(), owner=OWNER)

    await store.commit([batch_of(run, records(1, 2))], owner=OWNER)

    run = await store.get_run(run.id)
    assert (run.status, run.started_at, run.last_seq) == (Status.PENDING, None, 2)


async def test_only_the_owner_of_a_run_changes_it(store: Store) -> None:
    run = await store.insert_run(new_run(), owner=OWNER)

    moved = await store.commit([beginning(run, records(1, 2), at=5)], owner="another")

    assert moved == [UpdateResult.NOT_IN_EXPECTED_STATUS]
    assert await store.get_run(run.id) == run


async def test_repeating_a_transition_keeps_the_first_start_time(store: Store) -> None:
    pending = await store.insert_run(new_run(), owner=OWNER)
    await store.commit([beginning(pending, records(1, 2), at=5)], owner=OWNER)
    run = await store.get_run(pending.id)

    again = await store.commit([beginning(pending, records(1, 2), at=5)], owner=OWNER)
    later_start = await store.commit([beginning(run, at=99)], owner=OWNER)

    assert again == later_start == [UpdateResult.UPDATED]
    assert await store.get_run(run.id) == run


async def test_a_run_that_ends_with_its_first_records_has_a_start_time(store: Store) -> None:
    run = await store.insert_run(new_run(), owner=OWNER)
    begun = replace(run, status=Status.RUNNING, started_at=later(5))

    moved = await store.commit([batch_of(begun, records(1, 2), end=ending(Status.FAILED, "no directory"))], owner=OWNER)

    assert moved == [UpdateResult.UPDATED]
    run = await store.get_run(run.id)
    assert (run.status, run.started_at, run.last_seq) == (Status.FAILED, later(5), 2)


async def test_a_running_run_never_becomes_pending_again(store: Store) -> None:
    run = await start(store)

    moved = await store.commit([batch_of(replace(run, status=Status.PENDING), records(1, 2))], owner=OWNER)

    assert moved == [UpdateResult.NOT_IN_EXPECTED_STATUS]
    assert await store.get_run(run.id) == run


async def test_a_run_without_a_task_ends_with_a_closing_record(store: Store) -> None:
    run = await write(store, await start(store), records(1, 3))
    closing = segment_of(run.id, records(run.last_seq + 1, run.last_seq + 1, level=Level.WARNING))
    final = ending(Status.INTERRUPTED, "died")

    result = await store.finalize_run(run.id, owner=None, ending=final, closing=closing)

    ended = await store.get_run(run.id)
    assert result is UpdateResult.UPDATED
    assert ended.last_seq == closing.last_seq
    assert ended.level_counts == run.level_counts + closing.level_counts
    assert (await store.read_segments(run.id, after=run.last_seq))[-1].payload == closing.payload
    assert await store.check() == []


async def test_a_closing_record_that_does_not_follow_the_log_ends_nothing(store: Store) -> None:
    run = await write(store, await start(store), records(1, 3))
    closing = segment_of(run.id, records(run.last_seq + 2, run.last_seq + 2))

    result = await store.finalize_run(run.id, owner=OWNER, ending=ending(), closing=closing)

    assert result is UpdateResult.NOT_IN_EXPECTED_STATUS
    assert await store.get_run(run.id) == run


@pytest.mark.parametrize("status", sorted(TERMINAL))
async def test_an_ended_run_never_changes_again(store: Store, status: Status) -> None:
    run = await end(store, await start(store), status)

    assert await store.commit([beginning(run, at=99)], owner=OWNER) == [UpdateResult.NOT_IN_EXPECTED_STATUS]
    assert (
        await store.finalize_run(run.id, owner=None, ending=ending(Status.INTERRUPTED, "late"))
        is UpdateResult.NOT_IN_EXPECTED_STATUS
    )
    assert await store.commit([batch_of(run, records(1, 2))], owner=OWNER) == [UpdateResult.NOT_IN_EXPECTED_STATUS]
    assert (await store.request_cancel(run.id, Cancel(NOW, "api"))) == (
        UpdateResult.NOT_IN_EXPECTED_STATUS,
        run,
    )
    assert await store.get_run(run.id) == run


async def test_a_request_to_cancel_is_recorded_and_the_run_stays_active(store: Store) -> None:
    run = await start(store)

    moved, noted = await store.request_cancel(run.id, Cancel(later(7), "dashboard", "wrong date"))

    assert moved is UpdateResult.UPDATED
    assert (noted.cancel_requested_at, noted.cancel_requested_by, noted.cancel_reason) == (
        later(7),
        "dashboard",
        "wrong date",
    )
    assert noted.status is Status.RUNNING
    assert await store.get_run(run.id) == noted


async def test_a_second_request_to_cancel_keeps_the_reason_of_the_first(store: Store) -> None:
    run = await start(store)
    _, first = await store.request_cancel(run.id, Cancel(later(7), "dashboard", "wrong date"))

    moved, second = await store.request_cancel(run.id, Cancel(later(8), "cli"))

    assert moved is UpdateResult.UPDATED
    assert second == first


async def test_a_pending_run_can_be_cancelled(store: Store) -> None:
    run = await store.insert_run(new_run(), owner=OWNER)

    moved, noted = await store.request_cancel(run.id, Cancel(NOW, "api"))

    assert (moved, noted.status) == (UpdateResult.UPDATED, Status.PENDING)


async def test_a_finalized_run_and_its_steps_have_an_end(store: Store) -> None:
    run = await start(store)
    working = RunStep("extract", StepStatus.RUNNING, started_at=later(2), first_seq=1)
    await store.commit([batch_of(run, records(1, 3), steps=[working])], owner=OWNER)

    moved = await store.finalize_run(run.id, owner=OWNER, ending=ending(Status.INTERRUPTED, "the service died"))

    assert moved is UpdateResult.UPDATED
    finalized = await store.get_run(run.id)
    assert (finalized.status, finalized.finished_at) == (Status.INTERRUPTED, later(60))
    assert finalized.error_message == "the service died"
    assert finalized.current_step is None
    extract, review = finalized.steps
    assert (extract.status, extract.finished_at) == (StepStatus.INTERRUPTED, later(60))
    assert (extract.first_seq, extract.last_seq) == (1, 3)
    assert (review.status, review.finished_at) == (StepStatus.SKIPPED, None)


async def test_ended_steps_keep_their_end_when_the_run_is_finalized(store: Store) -> None:
    run = await start(store)
    ended = RunStep("extract", StepStatus.FAILED, NOW, later(3), 2, "exit code 2", 1, 3)
    await store.commit([batch_of(run, records(1, 3), steps=[ended])], owner=OWNER)

    await store.finalize_run(run.id, owner=None, ending=ending(Status.INTERRUPTED, "died"))

    assert (await store.get_run(run.id)).steps[0] == ended


@pytest.mark.parametrize(
    ("owner", "answer"),
    [(OWNER, UpdateResult.UPDATED), (None, UpdateResult.UPDATED), ("another", UpdateResult.NOT_IN_EXPECTED_STATUS)],
)
async def test_a_run_is_finalized_for_its_owner_or_for_any_owner(
    store: Store, owner: str | None, answer: UpdateResult
) -> None:
    run = await start(store)

    moved = await store.finalize_run(run.id, owner=owner, ending=ending(Status.INTERRUPTED, "died"))

    assert moved is answer


@pytest.mark.parametrize("status", sorted(TERMINAL))
async def test_a_pending_run_takes_only_valid_transitions(store: Store, status: Status) -> None:
    run = await store.insert_run(new_run(), owner=OWNER)
    allowed = status in TRANSITIONS[Status.PENDING]

    (by_batch,) = await store.commit([batch_of(run, end=ending(status))], owner=OWNER)

    assert (by_batch is UpdateResult.UPDATED) is allowed
    assert (await store.get_run(run.id)).status is (status if allowed else Status.PENDING)
