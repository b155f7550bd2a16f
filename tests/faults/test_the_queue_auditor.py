"""Tests the auditor of queues and resources: it accepts the real store, and reports each of the bugs it must find."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from solorun.queueing import ConflictPolicy, Slots, Waiter
from solorun.stores.sql import endings, promotion, starts, writes
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from tests.fakes.engine import declare
from tests.faults.trial import Trial

ONE_STEP = ("work",)
PROJECTS = (
    declare("deploy", steps=ONE_STEP, on_conflict=ConflictPolicy.QUEUE),
    declare("etl", steps=ONE_STEP),
    declare("train", steps=ONE_STEP, on_conflict=ConflictPolicy.QUEUE, resources={"disk": 1, "gpu": 1}),
)


def make_trial(directory: Path) -> Trial:
    return Trial(directory, projects=PROJECTS, resources={"disk": 1, "gpu": 1})


async def start_all(trial: Trial, *projects: str) -> None:
    for project in projects:
        await trial.start(project)


async def complete(trial: Trial) -> None:
    """End the oldest step that has begun, and wait for the end of its run."""
    step = await trial.executor.step("work")
    step.end()
    await trial.running.end_of(step.context.run_id)


async def test_the_real_store_passes(tmp_path: Path) -> None:
    trial = make_trial(tmp_path)
    async with trial.engine():
        await start_all(trial, "deploy", "train", "deploy", "train", "deploy")
        await trial.start("deploy", on_conflict=ConflictPolicy.REPLACE)
        for _ in range(3):
            await complete(trial)
    async with trial.engine():
        await complete(trial)

    assert trial.audit(at_rest=False) == []  # some runs are still queued


async def test_a_promotion_outside_the_freeing_transaction_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes, "promote", lambda connection, at: None)
    trial = make_trial(tmp_path)
    async with trial.engine():
        await start_all(trial, "deploy", "deploy")
        await complete(trial)
        await start_all(trial, "etl")

    assert [one for one in trial.audit(at_rest=False) if one.startswith("freed_projects_are_given_on: deploy was free")]


async def test_a_queue_in_the_wrong_order_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "read_waiters", _newest_first)
    trial = make_trial(tmp_path)
    async with trial.engine():
        await start_all(trial, "deploy", "deploy", "deploy")
        await complete(trial)

    assert [one for one in trial.audit(at_rest=False) if one.startswith("queues_are_in_order")]


async def test_slots_that_are_taken_one_by_one_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "insert_holds", _insert_one_hold)
    trial = make_trial(tmp_path)
    async with trial.engine():
        await start_all(trial, "train", "etl")
        await complete(trial)

    assert [one for one in trial.audit(at_rest=False) if one.startswith("active_runs_hold_their_slots")]


async def test_a_hold_that_outlives_its_run_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = {**QUERIES, "release_holds": "SELECT :run_id"}
    monkeypatch.setattr(endings, "QUERIES", queries)
    trial = make_trial(tmp_path)
    async with trial.engine():
        await start_all(trial, "train")
        await complete(trial)

    assert [one for one in trial.audit(at_rest=False) if one.startswith("slots_have_one_holder")]


def _newest_first(connection: Connection) -> Sequence[Waiter]:
    rows = connection.execute(
        "SELECT MAX(id) FROM runs AS head WHERE status = 'queued' AND NOT EXISTS (SELECT 1 FROM runs AS active"
        " WHERE active.project = head.project AND active.status IN ('pending', 'running')) GROUP BY project"
    ).fetchall()
    return [Waiter(run_id, {}) for (run_id,) in rows]


def _insert_one_hold(connection: Connection, run_id: int, slots: Slots, at: int | None, *, step: str = "") -> None:
    name, numbers = next(iter(slots.items()), ("", ()))
    if name:
        promotion.insert_holds(connection, run_id, {name: numbers}, at, step=step)
