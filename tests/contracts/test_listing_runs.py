"""Runs are listed by project and by status, in pages."""

from collections.abc import Collection

import pytest

from solorun.status import Status
from solorun.store import Store
from tests.contracts.builders import OWNER, end, new_run, start


async def _history(store: Store) -> list[int]:
    """handbook: completed, failed, running; glossary: completed, cancelled. Returns their ids, oldest first."""
    runs = [
        await end(store, await start(store, "handbook"), Status.COMPLETED),
        await end(store, await start(store, "glossary"), Status.COMPLETED),
        await end(store, await start(store, "handbook"), Status.FAILED),
        await end(store, await start(store, "glossary"), Status.CANCELLED),
        await start(store, "handbook"),
    ]
    return [run.id for run in runs]


@pytest.mark.parametrize(
    ("project", "statuses", "expected"),
    [
        (None, (), [4, 3, 2, 1, 0]),
        ("handbook", (), [4, 2, 0]),
        (None, {Status.COMPLETED}, [1, 0]),
        (None, (Status.COMPLETED, Status.FAILED, Status.RUNNING), [4, 2, 1, 0]),
        (None, (Status.FAILED, Status.FAILED), [2]),
        ("glossary", {Status.COMPLETED, Status.CANCELLED}, [3, 1]),
        ("glossary", {Status.RUNNING}, []),
        ("unknown", (), []),
    ],
)
async def test_runs_are_listed_newest_first_by_project_and_status(
    store: Store, project: str | None, statuses: Collection[Status], expected: list[int]
) -> None:
    ids = await _history(store)

    found = await store.list_runs(project=project, statuses=statuses)

    assert [run.id for run in found] == [ids[index] for index in expected]
    assert found == [await store.get_run(run.id) for run in found]


@pytest.mark.parametrize("statuses", [(), tuple(Status)], ids=["any", "each"])
async def test_pages_have_no_gaps_and_no_repeats(store: Store, statuses: Collection[Status]) -> None:
    ids = await _history(store)

    first = await store.list_runs(statuses=statuses, limit=2)
    second = await store.list_runs(statuses=statuses, limit=2, before_id=first[-1].id)
    third = await store.list_runs(statuses=statuses, limit=2, before_id=second[-1].id)

    assert [run.id for run in first + second + third] == ids[::-1]


async def _reruns(store: Store) -> list[int]:
    """handbook: a run, two reruns of it (failed, completed), and a rerun of the second. Returns their ids."""
    original = await end(store, await start(store))
    failed = await end(store, await start(store, rerun_of=original.id), Status.FAILED)
    completed = await end(store, await start(store, rerun_of=original.id))
    last = await start(store, rerun_of=completed.id)
    return [original.id, failed.id, completed.id, last.id]


@pytest.mark.parametrize(
    ("of", "project", "statuses", "expected"),
    [
        (0, None, (), [2, 1]),
        (2, None, (), [3]),
        (3, None, (), []),
        (0, "handbook", (), [2, 1]),
        (0, "glossary", (), []),
        (0, None, {Status.FAILED}, [1]),
        (0, "handbook", {Status.COMPLETED, Status.FAILED, Status.RUNNING}, [2, 1]),
        (0, "glossary", {Status.FAILED}, []),
    ],
)
async def test_the_reruns_of_a_run_are_listed_newest_first(
    store: Store, of: int, project: str | None, statuses: Collection[Status], expected: list[int]
) -> None:
    ids = await _reruns(store)
    await start(store, "glossary")

    found = await store.list_runs(rerun_of=ids[of], project=project, statuses=statuses)

    assert [run.id for run in found] == [ids[index] for index in expected]


@pytest.mark.parametrize("statuses", [(), tuple(Status)], ids=["any", "each"])
async def test_the_reruns_of_a_run_are_listed_in_pages(store: Store, statuses: Collection[Status]) -> None:
    ids = await _reruns(store)

    first = await store.list_runs(rerun_of=ids[0], statuses=statuses, limit=1)
    second = await store.list_runs(rerun_of=ids[0], statuses=statuses, limit=1, before_id=first[-1].id)

    assert [run.id for run in first + second] == [ids[2], ids[1]]


@pytest.mark.parametrize("run_id", [0, -1, 999, 2**63, -(10**30)])
async def test_a_run_that_does_not_exist_has_no_reruns(store: Store, run_id: int) -> None:
    await _reruns(store)

    assert await store.list_runs(rerun_of=run_id) == []


@pytest.mark.parametrize(("before_id", "count"), [(10**30, 5), (2**63 - 1, 5), (0, 0), (-1, 0), (-(10**30), 0)])
async def test_any_integer_is_a_valid_bound(store: Store, before_id: int, count: int) -> None:
    await _history(store)

    assert len(await store.list_runs(before_id=before_id)) == count


async def test_the_active_and_the_latest_run_of_a_project(store: Store) -> None:
    ids = await _history(store)

    active, latest = await store.find_active_run("handbook"), await store.find_latest_run("handbook")
    ended = await store.find_latest_run("glossary")

    assert active is not None
    assert active == latest == await store.get_run(ids[4])
    assert ended == await store.get_run(ids[3])
    assert await store.find_active_run("glossary") is None
    assert await store.find_latest_run("unknown") is None


async def test_the_latest_run_of_every_project_by_name(store: Store) -> None:
    ids = await _history(store)

    latest = await store.list_latest_runs()

    assert [(run.project, run.id) for run in latest] == [("glossary", ids[3]), ("handbook", ids[4])]


async def test_runs_are_found_by_their_ids_with_their_steps(store: Store) -> None:
    ids = await _history(store)

    found = await store.find_runs([ids[3], ids[0], 4711])

    assert found == {run_id: await store.get_run(run_id) for run_id in (ids[0], ids[3])}
    assert all(run.steps for run in found.values())
    assert await store.find_runs([]) == {}


async def test_an_empty_store_has_no_latest_runs(store: Store) -> None:
    assert await store.list_latest_runs() == []


async def test_orphaned_runs_are_active_runs_of_other_owners_oldest_first(store: Store) -> None:
    first = await store.insert_run(new_run("b"), owner="an-earlier-service")
    second = await start(store, "a", owner="a-still-earlier-service")
    ours = await start(store, "handbook")
    ended = await end(store, await start(store, "glossary"))

    orphaned = await store.list_orphaned_runs(OWNER)

    assert orphaned == await store.list_foreign_runs(OWNER) == [first, second]
    assert {ours.id, ended.id}.isdisjoint(run.id for run in orphaned)


async def test_the_median_duration_is_of_completed_runs_of_the_scope(store: Store) -> None:
    await _complete(store, 11, 21, 101)
    await end(store, await start(store), Status.FAILED, at=5000)
    await end(store, await start(store, scope="extract"), at=5000)
    await end(store, await start(store, "glossary"), at=5000)

    assert await store.median_duration_seconds("handbook", "full") == 20.0
    assert await store.median_duration_seconds("handbook", "review") is None


async def test_the_median_duration_is_of_the_last_twenty_runs(store: Store) -> None:
    await _complete(store, *[5001] * 5, *[2.5] * 20)

    assert await store.median_duration_seconds("handbook", "full") == 1.5


async def _complete(store: Store, *ends: float) -> None:
    """Runs of handbook, each started at second 1."""
    for at in ends:
        await end(store, await start(store), at=at)
