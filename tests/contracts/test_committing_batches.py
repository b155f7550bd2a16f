"""Records, the changes to their run, and its ending: one transaction, which can be repeated."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from solorun.errors import StoreFailure
from solorun.record import Level
from solorun.run import LevelCounts, RunStep
from solorun.status import Status, StepStatus, UpdateResult
from solorun.store import Store
from tests.contracts.builders import (
    NOW,
    OWNER,
    batch_of,
    end,
    ending,
    later,
    new_run,
    read_all,
    records,
    start,
    write,
)
from tests.contracts.conftest import OpenStore


async def test_records_and_the_changes_to_their_run_are_written_together(store: Store) -> None:
    run = await start(store)
    run = replace(run, current_step="extract", progress_current=3, progress_total=20, progress_item="photon")
    step = RunStep("extract", StepStatus.RUNNING, later(2), None, None, None, 1, None)
    content = [*records(1, 2), *records(3, 3, level=Level.ERROR), *records(4, 4, level=Level.WARNING)]

    answers = await store.commit([batch_of(run, content, steps=[step])], owner=OWNER)

    assert answers == [UpdateResult.UPDATED]
    written = await store.get_run(run.id)
    assert written.level_counts == LevelCounts(info=2, warning=1, error=1)
    assert (written.last_seq, written.first_error_seq, written.current_step) == (4, 3, "extract")
    assert (written.progress_current, written.progress_total, written.progress_item) == (3, 20, "photon")
    assert written.steps[0] == step
    assert await read_all(store, run.id) == content


async def test_a_batch_writes_only_certain_fields_of_its_run(store: Store) -> None:
    run = await start(store)
    pretended = replace(run, scope="x", triggered_by="x", started_at=later(99), error_message="x", cancel_reason="x")

    await store.commit([batch_of(pretended, records(1, 1))], owner=OWNER)

    assert await store.get_run(run.id) == replace(run, last_seq=1, level_counts=LevelCounts(info=1))


async def test_an_ending_is_written_with_the_last_records_and_the_steps(store: Store) -> None:
    run = replace(await start(store), current_step="extract", progress_current=1)
    steps = [
        RunStep("extract", StepStatus.FAILED, NOW, later(3), 1, "exit code 1", 1, 2),
        RunStep("review", StepStatus.SKIPPED),
    ]
    last = batch_of(run, records(1, 2), steps=steps, end=ending(Status.FAILED, "extract: exit code 1"))

    answers = await store.commit([last], owner=OWNER)

    assert answers == [UpdateResult.UPDATED]
    ended = await store.get_run(run.id)
    assert (ended.status, ended.error_message) == (Status.FAILED, "extract: exit code 1")
    assert (ended.finished_at, ended.current_step, ended.progress_current) == (later(60), None, 1)
    assert ended.steps == tuple(steps)
    assert await read_all(store, run.id) == records(1, 2)


@pytest.mark.parametrize("status", [None, Status.COMPLETED, Status.CANCELLED])
async def test_writing_a_batch_again_changes_nothing(store: Store, status: Status | None) -> None:
    run = await start(store)
    step = RunStep("extract", StepStatus.RUNNING, later(2), first_seq=1)
    batch = batch_of(run, records(1, 5), steps=[step], end=ending(status, "x") if status else None)
    await store.commit([batch], owner=OWNER)
    written = await store.get_run(run.id)

    answers = await store.commit([batch], owner=OWNER)

    assert answers == [UpdateResult.UPDATED]
    assert await store.get_run(run.id) == written
    assert await read_all(store, run.id) == records(1, 5)


async def test_writing_an_ending_again_succeeds_even_after_compaction(store: Store) -> None:
    run = await write(store, await start(store), records(1, 5))
    last = batch_of(run, records(6, 9), end=ending())
    await store.commit([last], owner=OWNER)
    await store.compact_segments(run.id)

    answers = await store.commit([last], owner=OWNER)

    assert answers == [UpdateResult.UPDATED]
    assert await read_all(store, run.id) == records(1, 9)


async def test_writing_an_earlier_batch_again_does_not_revert_the_run(store: Store) -> None:
    run = await start(store)
    first = batch_of(run, records(1, 5))
    second = batch_of(first.run, records(6, 9))
    await store.commit([first, second], owner=OWNER)

    answers = await store.commit([first], owner=OWNER)

    assert answers == [UpdateResult.UPDATED]
    assert (await store.get_run(run.id)).last_seq == 9
    assert await read_all(store, run.id) == records(1, 9)


async def test_another_ending_does_not_replace_the_first(store: Store) -> None:
    run = await start(store)
    await store.commit([batch_of(run, end=ending(Status.FAILED, "x"))], owner=OWNER)

    answers = await store.commit(
        [
            batch_of(run, end=ending(Status.COMPLETED)),
            batch_of(run, end=ending(Status.FAILED, "y")),
            batch_of(run, end=ending(Status.FAILED, "x", at=61)),
        ],
        owner=OWNER,
    )

    assert answers == [UpdateResult.NOT_IN_EXPECTED_STATUS] * 3
    assert (await store.get_run(run.id)).error_message == "x"


async def test_an_ending_may_follow_records_whose_write_had_no_reply(store: Store) -> None:
    run = await start(store)
    unanswered = batch_of(run, records(1, 5))
    await store.commit([unanswered], owner=OWNER)

    answers = await store.commit([batch_of(run, records(1, 5), end=ending())], owner=OWNER)

    assert answers == [UpdateResult.UPDATED]
    assert (await store.get_run(run.id)).status is Status.COMPLETED
    assert await read_all(store, run.id) == records(1, 5)


async def test_each_batch_has_a_result_and_a_refused_one_writes_nothing(store: Store) -> None:
    ours = await start(store, "handbook")
    theirs = await start(store, "glossary", owner="another")
    ended = await end(store, await start(store, "report"))
    unknown = replace(ours, id=4711)

    answers = await store.commit([batch_of(run, records(1, 2)) for run in (theirs, unknown, ended, ours)], owner=OWNER)

    assert answers == [
        UpdateResult.NOT_IN_EXPECTED_STATUS,
        UpdateResult.NOT_FOUND,
        UpdateResult.NOT_IN_EXPECTED_STATUS,
        UpdateResult.UPDATED,
    ]
    assert await store.get_run(theirs.id) == theirs
    assert await store.get_run(ended.id) == ended
    assert [await read_all(store, run.id) for run in (theirs, unknown, ended)] == [[], [], []]
    assert await read_all(store, ours.id) == records(1, 2)


async def test_an_ending_by_another_owner_is_not_our_success(store: Store) -> None:
    run = await start(store, owner="another")
    last = batch_of(run, end=ending())
    await store.commit([last], owner="another")

    answers = await store.commit([last], owner=OWNER)

    assert answers == [UpdateResult.NOT_IN_EXPECTED_STATUS]


@pytest.mark.parametrize(("first", "last"), [(7, 9), (4, 8)], ids=["gap", "overlap"])
async def test_records_that_do_not_continue_the_log_fail_the_whole_commit(store: Store, first: int, last: int) -> None:
    run = await write(store, await start(store), records(1, 5))
    other = await start(store, "glossary")

    with pytest.raises(StoreFailure, match=f"ends at 5: records {first}-{last}"):
        await store.commit([batch_of(other, records(1, 1)), batch_of(run, records(first, last))], owner=OWNER)

    assert await store.get_run(run.id) == run
    assert await store.get_run(other.id) == other
    assert store.write_error is not None


async def test_an_ending_with_an_outdated_last_seq_is_refused(store: Store) -> None:
    run = await start(store)
    await write(store, run, records(1, 5))

    with pytest.raises(StoreFailure, match="ends at 5: a batch up to 0"):
        await store.commit([batch_of(run, end=ending())], owner=OWNER)


async def test_a_commit_writes_all_batches_or_none(store: Store) -> None:
    first, second = await start(store, "handbook"), await start(store, "glossary")
    impossible = replace(second, progress_current=2**70)

    with pytest.raises(StoreFailure):
        await store.commit([batch_of(first, records(1, 3)), batch_of(impossible, records(1, 3))], owner=OWNER)

    assert await read_all(store, first.id) == []
    assert await store.get_run(first.id) == first


async def test_a_successful_write_clears_the_write_error(store: Store) -> None:
    run = await start(store)
    with pytest.raises(StoreFailure):
        await store.commit([batch_of(replace(run, progress_current=2**70), records(1, 3))], owner=OWNER)
    failed = store.write_error

    await write(store, run, records(1, 3))

    assert failed is not None
    assert store.write_error is None


async def test_a_refused_start_is_not_a_write_error(store: Store) -> None:
    await store.insert_run(new_run(), owner=OWNER)

    with pytest.raises(Exception, match="active run"):
        await store.insert_run(new_run(), owner=OWNER)

    assert store.write_error is None


async def test_no_batches_have_no_results(store: Store) -> None:
    assert await store.commit([], owner=OWNER) == []


async def test_an_ending_without_a_time_zone_is_refused_and_the_run_stays_active(store: Store) -> None:
    run = await start(store)
    naive = replace(run)  # the run is fine, its end is not
    last = ending()

    with pytest.raises(ValueError, match="no time zone"):
        await store.commit(
            [batch_of(naive, end=type(last)(last.outcome, last.finished_at.replace(tzinfo=None)))], owner=OWNER
        )

    assert (await store.get_run(run.id)).holds_project


async def test_committed_records_survive_a_restart(open_store: OpenStore) -> None:
    store = await open_store()
    run = await write(store, await start(store), records(1, 3), records(4, 1500))
    await store.close()

    again = await open_store()

    assert await again.get_run(run.id) == run
    assert await read_all(again, run.id) == records(1, 1500)


async def test_times_are_stored_to_the_microsecond(store: Store) -> None:
    run = await start(store)
    exact = later(60) + timedelta(microseconds=1)

    await store.finalize_run(run.id, owner=OWNER, ending=type(ending())(ending().outcome, exact))

    assert (await store.get_run(run.id)).finished_at == exact
