"""Pinned runs, and the deletion of ended runs in small parts."""

import pytest
from msgspec.structs import replace

from solorun.errors import RunNotFound
from solorun.run import Run
from solorun.status import Status
from solorun.store import DeletedRun, EndedRun, LogQuery, Store
from solorun.stores.sql import retention
from tests.contracts.builders import end, insert, later, new_run, queued, read_all, records, start, write


async def ended(store: Store, *, status: Status = Status.COMPLETED, at: float = 60, lines: int = 0) -> Run:
    run = await start(store)
    if lines:
        await write(store, run, records(1, lines))
        run = await store.get_run(run.id)
    return await end(store, run, status, at=at)


async def delete_all(store: Store) -> list[int]:
    deleted: list[int] = []
    more = True
    while more:
        deletion = await store.delete_expired(at=later(200))
        deleted += deletion.run_ids
        more = deletion.more
    return deleted


async def test_a_run_can_be_pinned_and_unpinned(store: Store) -> None:
    run = await ended(store)
    assert not run.pinned

    pinned = await store.set_pinned(run.id, True)

    assert pinned == replace(run, pinned=True)
    assert await store.get_run(run.id) == pinned
    assert await store.set_pinned(run.id, False) == run


async def test_an_active_run_can_be_pinned_and_stays_pinned_when_it_ends(store: Store) -> None:
    run = await start(store)

    await store.set_pinned(run.id, True)

    assert (await end(store, run)).pinned


@pytest.mark.parametrize("run_id", [0, -1, 4711, 10**30])
async def test_an_unknown_run_cannot_be_pinned(store: Store, run_id: int) -> None:
    with pytest.raises(RunNotFound):
        await store.set_pinned(run_id, True)


async def test_ended_runs_are_listed_in_pages_newest_first(store: Store) -> None:
    first = await ended(store, at=60)
    second = await ended(store, status=Status.FAILED, at=61)
    await store.set_pinned(second.id, True)
    third = await ended(store, at=62)
    await insert(store, new_run("glossary"))
    active = await start(store)
    await insert(store, queued())

    page = await store.list_ended_runs("handbook", limit=2)
    rest = await store.list_ended_runs("handbook", before_id=page[-1].id, limit=2)

    assert page == [EndedRun(third.id, later(62), True, True), EndedRun(second.id, later(61), False, True)]
    assert rest == [EndedRun(first.id, later(60), True, False)]
    assert active.id not in {run.id for run in page}


async def test_the_last_result_of_a_project_must_stay(store: Store) -> None:
    completed = await ended(store, at=60)
    failed = await ended(store, status=Status.FAILED, at=61)
    cancelled = await ended(store, status=Status.CANCELLED, at=62)

    found = await store.list_ended_runs("handbook", limit=9)

    assert [(each.id, each.must_stay) for each in found] == [
        (cancelled.id, False), (failed.id, True), (completed.id, False),
    ]  # fmt: skip


async def test_an_expired_run_is_gone_for_every_reader(store: Store) -> None:
    run = await ended(store, lines=3)
    kept = await ended(store)
    rerun = await end(store, await start(store, rerun_of=run.id))

    assert await store.expire_runs([run.id], at=later(100)) == [run.id]

    with pytest.raises(RunNotFound):
        await store.get_run(run.id)
    with pytest.raises(RunNotFound):
        await store.read_log(run.id, LogQuery())
    with pytest.raises(RunNotFound):
        await store.set_pinned(run.id, True)
    assert await store.list_runs() == [rerun, kept]
    assert await store.list_runs(project="handbook") == [rerun, kept]
    assert await store.list_runs(statuses=[Status.COMPLETED]) == [rerun, kept]
    assert await store.list_runs(project="handbook", statuses=[Status.COMPLETED]) == [rerun, kept]
    assert [each.id for each in await store.list_ended_runs("handbook", limit=9)] == [rerun.id, kept.id]


async def test_a_project_whose_latest_run_has_expired_has_an_earlier_latest_run(store: Store) -> None:
    first, second = await ended(store), await ended(store)

    await store.expire_runs([second.id], at=later(100))

    assert await store.find_latest_run("handbook") == first
    assert await store.list_latest_runs() == [first]
    assert await store.list_project_names() == [first.project]


async def test_a_project_without_runs_is_not_listed(store: Store) -> None:
    await store.expire_runs([(await ended(store)).id], at=later(100))
    other = await end(store, await start(store, "glossary"))

    assert await store.list_latest_runs() == [other]
    assert await store.list_project_names() == [other.project]
    assert await store.find_latest_run("handbook") is None


async def test_reruns_that_have_expired_are_not_listed(store: Store) -> None:
    original = await ended(store)
    gone = await end(store, await start(store, rerun_of=original.id))
    kept = await end(store, await start(store, rerun_of=original.id))

    await store.expire_runs([gone.id], at=later(100))

    assert await store.list_runs(rerun_of=original.id) == [kept]
    assert await store.list_runs(rerun_of=original.id, statuses=[Status.COMPLETED]) == [kept]


async def test_runs_that_are_pinned_or_have_not_ended_do_not_expire(store: Store) -> None:
    pinned = await ended(store)
    await store.set_pinned(pinned.id, True)
    active = await start(store)
    waiting = await insert(store, queued())
    pending = await insert(store, new_run("glossary"))
    runs = [pinned.id, active.id, waiting.id, pending.id]

    assert await store.expire_runs([*runs, 4711], at=later(100)) == []

    assert await delete_all(store) == []
    assert [(await store.get_run(run_id)).id for run_id in runs] == runs


async def test_a_run_expires_once(store: Store) -> None:
    run = await ended(store)

    assert await store.expire_runs([run.id], at=later(100)) == [run.id]
    assert await store.expire_runs([run.id], at=later(101)) == []


async def test_deleted_runs_leave_nothing_behind_and_other_runs_whole(store: Store) -> None:
    gone = [await ended(store, lines=5), await ended(store)]
    kept = await ended(store, lines=7)
    await store.expire_runs([run.id for run in gone], at=later(100))

    assert await delete_all(store) == [run.id for run in gone]

    assert [await store.read_segments(run.id, after=0) for run in gone] == [[], []]
    assert await store.measure_logs([run.id for run in gone]) == dict.fromkeys([run.id for run in gone], 0)
    assert len(await read_all(store, kept.id)) == 7
    assert {finding.run_id for finding in await store.check()} & {run.id for run in gone} == set()


async def test_a_long_log_is_deleted_in_several_transactions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MAX_SEGMENTS", 2)
    run = await start(store)
    run = await end(store, await write(store, run, *(records(seq, seq) for seq in range(1, 6))))
    await store.expire_runs([run.id], at=later(100))

    steps = [await store.delete_expired(at=later(200))]
    assert [finding for finding in await store.check() if "Records" in finding.message] == []
    steps += [await store.delete_expired(at=later(200)) for _ in range(3)]

    assert [(step.run_ids, step.more) for step in steps] == [((), True), ((), True), ((run.id,), False), ((), False)]


async def test_a_segment_that_exceeds_the_limit_is_deleted_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MAX_BYTES", 1)
    run = await start(store)
    run = await end(store, await write(store, run, records(1, 1), records(2, 2)))
    await store.expire_runs([run.id], at=later(100))

    steps = [await store.delete_expired(at=later(200)) for _ in range(3)]

    assert [(step.run_ids, step.more) for step in steps] == [((), True), ((), True), ((run.id,), False)]


async def test_one_transaction_deletes_a_limited_number_of_runs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MAX_RUNS", 2)
    runs = [(await ended(store)).id for _ in range(3)]
    await store.expire_runs(runs, at=later(100))

    first, second = [await store.delete_expired(at=later(200)) for _ in range(2)]

    assert (first.run_ids, first.more) == (tuple(runs[:2]), True)
    assert (second.run_ids, second.more) == (tuple(runs[2:]), False)


async def test_deleted_runs_are_listed_until_they_are_forgotten(store: Store) -> None:
    runs = [(await ended(store)).id for _ in range(3)]
    await store.expire_runs(runs[:2], at=later(100))
    await store.delete_expired(at=later(100))
    await store.expire_runs(runs[2:], at=later(200))
    await store.delete_expired(at=later(200))
    deleted = [DeletedRun(later(100), runs[0]), DeletedRun(later(100), runs[1]), DeletedRun(later(200), runs[2])]

    assert await store.list_deleted_runs(limit=2) == deleted[:2]
    assert await store.list_deleted_runs(after=deleted[0], limit=2) == deleted[1:]
    await store.forget_deleted_runs(before=later(200))
    assert await store.list_deleted_runs(limit=9) == deleted[2:]


async def test_ids_of_deleted_runs_are_not_reused(store: Store) -> None:
    run = await ended(store)
    await store.expire_runs([run.id], at=later(100))
    await delete_all(store)

    assert (await start(store)).id > run.id


async def test_the_size_of_a_log_is_that_of_its_stored_segments(store: Store) -> None:
    short, long = await ended(store, lines=1), await ended(store, lines=1000)

    sizes = await store.measure_logs([short.id, long.id, 4711])

    assert 0 < sizes[short.id] < sizes[long.id] < 1000 * 50
    assert sizes[4711] == 0
