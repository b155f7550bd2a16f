"""New runs: pending, with their steps, at most one active run per project."""

import asyncio
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from solorun.errors import RunActive, RunNotFound
from solorun.parameter import MAX_INTEGER, ParamValue
from solorun.queueing import ConflictPolicy
from solorun.run import Cancel, RunStep
from solorun.status import Status, UpdateResult
from solorun.store import Store
from tests.contracts.builders import NOW, OWNER, end, ending, new_run, start
from tests.contracts.conftest import OpenStore


async def test_a_new_run_is_pending_with_its_steps_in_order(store: Store) -> None:
    run = await store.insert_run(new_run(steps=("extract", "generate", "review")), owner=OWNER)

    assert run.status is Status.PENDING
    assert (run.project, run.scope, run.triggered_by) == ("handbook", "full", "api")
    assert run.params == {"date": "today", "documents": "Übersicht"}
    assert run.created_at == NOW
    assert run.steps == (RunStep("extract"), RunStep("generate"), RunStep("review"))
    assert (run.started_at, run.finished_at, run.last_seq) == (None, None, 0)


async def test_parameters_of_every_type_are_read_back_unchanged(store: Store) -> None:
    params: dict[str, ParamValue] = {
        "text": 'a"b\n\u2028ü',
        "empty": "",
        "integer": -MAX_INTEGER,
        "number": 0.1,
        "whole": 3.0,
        "large": 1.5e300,
        "boolean": False,
        "list": ("a", "b c"),
        "none": (),
    }

    run = await store.insert_run(replace(new_run(), params=params), owner=OWNER)

    stored = (await store.get_run(run.id)).params
    assert stored == run.params == params
    assert {name: type(value) for name, value in stored.items()} == {name: type(params[name]) for name in params}


async def test_an_inserted_run_is_read_back_unchanged(store: Store) -> None:
    run = await store.insert_run(new_run(), owner=OWNER)

    assert await store.get_run(run.id) == run


async def test_a_run_keeps_the_id_of_the_run_that_it_repeats(store: Store) -> None:
    original = await end(store, await start(store))

    run = await store.insert_run(replace(new_run(), rerun_of=original.id), owner=OWNER)

    assert (original.rerun_of, run.rerun_of) == (None, original.id)
    assert await store.get_run(run.id) == run


async def test_a_queued_run_keeps_the_id_of_the_run_that_it_repeats(store: Store) -> None:
    await start(store)

    run = await store.insert_run(replace(new_run(), rerun_of=4711, on_conflict=ConflictPolicy.QUEUE), owner=OWNER)

    assert (run.status, run.rerun_of) == (Status.QUEUED, 4711)


async def test_times_of_any_time_zone_are_read_in_utc_to_the_microsecond(store: Store) -> None:
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))

    run = await store.insert_run(replace(new_run(), created_at=tokyo), owner=OWNER)

    assert (await store.get_run(run.id)).created_at.isoformat() == "2026-03-01T12:00:00.123456+00:00"


async def test_a_time_without_a_time_zone_is_refused_and_writes_nothing(store: Store) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        await store.insert_run(replace(new_run(), created_at=NOW.replace(tzinfo=None)), owner=OWNER)

    assert await store.list_runs() == []


async def test_a_second_run_of_a_project_is_refused_and_names_the_first(store: Store) -> None:
    first = await start(store)

    with pytest.raises(RunActive) as refusal:
        await store.insert_run(new_run(), owner="another-service")

    assert refusal.value.active_run == first
    assert [run.id for run in await store.list_runs()] == [first.id]


@pytest.mark.parametrize("runs_before", [0, 2])
async def test_ids_begin_above_those_that_are_reserved(open_store: OpenStore, runs_before: int) -> None:
    store = await open_store()
    for number in range(runs_before):
        await store.insert_run(new_run(f"project-{number}"), owner=OWNER)

    raised = await store.reserve_run_ids(41)
    await store.close()
    run = await (await open_store()).insert_run(new_run(), owner=OWNER)

    assert raised
    assert run.id == 42


async def test_reserving_smaller_ids_changes_nothing(store: Store) -> None:
    await store.reserve_run_ids(41)

    raised = [await store.reserve_run_ids(41), await store.reserve_run_ids(3), await store.reserve_run_ids(0)]

    assert raised == [False, False, False]
    assert (await store.insert_run(new_run(), owner=OWNER)).id == 42


async def test_a_run_being_cancelled_keeps_its_project(store: Store) -> None:
    first = await start(store)
    await store.request_cancel(first.id, Cancel(NOW, "api"))

    with pytest.raises(RunActive):
        await store.insert_run(new_run(), owner=OWNER)


async def test_projects_do_not_exclude_each_other(store: Store) -> None:
    first = await store.insert_run(new_run("handbook"), owner=OWNER)

    second = await store.insert_run(new_run("glossary"), owner=OWNER)

    assert second.id > first.id


async def test_a_project_is_free_after_its_run_has_ended(store: Store) -> None:
    first = await end(store, await start(store))

    second = await store.insert_run(new_run(), owner=OWNER)

    assert second.id > first.id


async def test_one_of_many_simultaneous_inserts_wins(store: Store) -> None:
    answers = await asyncio.gather(
        *(store.insert_run(new_run(), owner=OWNER) for _ in range(50)), return_exceptions=True
    )

    winners = [answer for answer in answers if not isinstance(answer, BaseException)]
    refused = [answer.active_run.id for answer in answers if isinstance(answer, RunActive)]
    assert len(winners) == 1
    assert refused == [winners[0].id] * 49


async def test_ids_increase_across_restarts_and_failed_runs(open_store: OpenStore) -> None:
    store = await open_store()
    first = await store.insert_run(new_run(), owner=OWNER)
    await store.finalize_run(first.id, owner=OWNER, ending=ending(Status.FAILED, "no task"))
    await store.close()

    second = await (await open_store()).insert_run(new_run(), owner=OWNER)

    assert second.id > first.id


async def test_a_run_needs_no_steps_or_params(store: Store) -> None:
    run = await store.insert_run(replace(new_run(steps=()), params={}), owner=OWNER)

    assert (await store.get_run(run.id)).steps == ()
    assert run.params == {}


@pytest.mark.parametrize("run_id", [0, -1, 999, 2**63 - 1, 2**63, 10**30, -(10**30)])
async def test_an_unknown_id_is_not_found(store: Store, run_id: int) -> None:
    await start(store)

    with pytest.raises(RunNotFound, match=str(run_id)):
        await store.get_run(run_id)
    with pytest.raises(RunNotFound):
        await store.request_cancel(run_id, Cancel(NOW, "api"))
    assert await store.finalize_run(run_id, owner=None, ending=ending()) is UpdateResult.NOT_FOUND
    assert await store.read_segments(run_id, after=0) == []
