"""What a run says about its cancel, live and after its end, and what its log says."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from solorun.outcome import StopEffect
from solorun.record import Event, Level, Record
from solorun.run import Cancel, Run
from solorun.status import Status
from tests.contracts.builders import new_run
from tests.fakes.engine import Engine, declare, open_engine
from tests.fakes.steps import ScriptedExecutor, ScriptedStep


def cancel_of(run: Run) -> Cancel:
    assert run.cancel is not None
    return run.cancel


def live_cancel(engine: Engine, run_id: int) -> Cancel:
    topic = engine.hub.find(run_id)
    assert topic is not None
    return cancel_of(topic.run)


def cancel_records(records: list[Record]) -> list[tuple[Level, str]]:
    return [(record.level, record.message) for record in records if record.event is Event.CANCEL]


def data_of(record: Record) -> dict[str, Any]:
    assert record.data is not None
    return record.data


async def test_a_request_is_answered_with_the_cancel(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        asked, _ = await engine.manager.cancel_run(run.id, requested_by="ada", reason="wrong date")

        cancel = cancel_of(asked)
        assert (cancel.requested_by, cancel.reason, cancel.grace_seconds) == ("ada", "wrong date", 10.0)
        assert (cancel.requested_at, cancel.settled_at) == (asked.cancel_requested_at, None)
        assert cancel_of(await engine.store.get_run(run.id)).requested_at == cancel.requested_at
        step.end()
        await engine.end_of(run.id)


async def test_a_cancel_shows_live_where_the_work_was(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        step.position = ("41 (sh build.sh)", "  42 (sleep 60)")

        await engine.manager.cancel_run(run.id)
        await engine.until(lambda: live_cancel(engine, run.id).position != ())

        cancel = live_cancel(engine, run.id)
        assert cancel.position == step.position
        assert cancel.signalled_at is not None
        assert cancel.signalled_at >= cancel.requested_at
        assert (cancel.effect, cancel.settled_at) == (None, None)
        assert cancel_of(await engine.store.get_run(run.id)) == cancel
        step.end()
        await engine.end_of(run.id)


@pytest.mark.parametrize(
    ("effect", "level", "message"),
    [
        (StopEffect.STOPPED, Level.INFO, "extract stopped"),
        (StopEffect.KILLED, Level.WARNING, "killed: it did not exit within its grace period (10s)"),
        (StopEffect.IGNORED, Level.WARNING, "not stopped: it ignored the request and ended by itself"),
    ],
)
async def test_an_ended_run_says_what_its_cancel_did(
    tmp_path: Path, effect: StopEffect, level: Level, message: str
) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        step.position = ("build.py:12 in publish",)
        step.stop_effect = effect

        await engine.manager.cancel_run(run.id, requested_by="ada", reason="wrong date")
        ended = await engine.end_of(run.id)
        records = await engine.log_of(run.id)

        cancel = cancel_of(ended)
        assert (ended.status, cancel.effect, cancel.position) == (Status.CANCELLED, effect, step.position)
        assert cancel.signalled_at is not None
        assert cancel.settled_at is not None
        assert ended.finished_at is not None
        assert cancel.requested_at <= cancel.signalled_at <= cancel.settled_at <= ended.finished_at
        assert await engine.store.get_run(run.id) == ended
        assert cancel_records(records) == [
            (Level.INFO, "cancel requested by ada: wrong date"),
            (Level.INFO, "stopping extract: cancel requested (grace 10s)"),
            (Level.INFO, "extract was running build.py:12 in publish"),
            (level, message),
        ]


async def test_each_event_of_a_cancel_carries_all_that_is_known_of_it(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        await engine.executor.step("extract")

        await engine.manager.cancel_run(run.id, requested_by="ada", reason="wrong date")
        await engine.end_of(run.id)

        requested, signalled, settled = [one for one in await engine.log_of(run.id) if one.event is Event.CANCEL]
        assert [data_of(one)["requested_by"] for one in (requested, signalled, settled)] == ["ada"] * 3
        assert [data_of(one)["reason"] for one in (requested, signalled, settled)] == ["wrong date"] * 3
        assert data_of(requested)["signalled_at"] is None
        assert data_of(signalled)["signalled_at"] is not None
        assert data_of(settled)["effect"] == "stopped"


async def test_a_cancel_before_the_first_step_has_no_effect_and_is_settled_by_the_end(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        gate = engine.faults.hold("commit")
        run = await engine.manager.start_run("handbook")
        await gate.reached.wait()

        await engine.manager.cancel_run(run.id)
        gate.open()

        ended = await engine.end_of(run.id)
        cancel = cancel_of(ended)
        assert (cancel.signalled_at, cancel.effect, cancel.position) == (None, None, ())
        assert cancel.settled_at == ended.finished_at
        assert await engine.store.get_run(run.id) == ended


async def test_a_cancel_that_comes_after_the_work_has_no_effect(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()

        await engine.manager.cancel_run(run.id)

        ended = await engine.end_of(run.id)
        assert ended.status is Status.COMPLETED
        assert (cancel_of(ended).effect, cancel_of(ended).settled_at) == (None, ended.finished_at)


async def test_a_cancel_during_a_timeout_is_recorded_without_an_effect(tmp_path: Path) -> None:
    project = declare(step_timeout_seconds=0.05)
    async with open_engine(tmp_path, project, executor=ScriptedExecutor(unkillable=True)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.stop_requested.wait()

        await engine.manager.cancel_run(run.id, requested_by="ada")
        step.end()

        ended = await engine.end_of(run.id)
        cancel = cancel_of(ended)
        assert ended.status is Status.FAILED
        assert (cancel.requested_by, cancel.signalled_at, cancel.effect) == ("ada", None, None)
        assert cancel.settled_at == ended.finished_at


async def test_a_timeout_logs_where_the_work_was_and_that_it_was_killed(tmp_path: Path) -> None:
    def sleep_on(step: ScriptedStep) -> None:
        step.position, step.stop_effect = ("41 (sleep 60)",), StopEffect.KILLED

    executor = ScriptedExecutor(prepare=sleep_on)
    async with open_engine(tmp_path, declare(step_timeout_seconds=0.05), executor=executor) as engine:
        run = await engine.manager.start_run("handbook")

        ended = await engine.end_of(run.id)

        messages = [record.message for record in await engine.log_of(run.id)]
        assert ended.cancel is None
        assert messages[-4:] == [
            "stopping extract (grace 10s)",
            "extract was running 41 (sleep 60)",
            "killed: it did not exit within its grace period (10s)",
            "extract failed: timed out after 50ms",
        ]


async def test_a_request_can_shorten_the_grace(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        step.stop_effect = StopEffect.KILLED

        await engine.manager.cancel_run(run.id, grace_seconds=0)

        ended = await engine.end_of(run.id)
        assert step.graces == [0]
        assert cancel_of(ended).grace_seconds == 0
        assert (Level.WARNING, "killed: its grace period was 0s") in cancel_records(await engine.log_of(run.id))


async def test_a_request_cannot_lengthen_the_grace(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")

        await engine.manager.cancel_run(run.id, grace_seconds=3600)

        assert cancel_of(await engine.end_of(run.id)).grace_seconds == 10
        assert step.graces == [10]


async def test_a_later_request_shortens_the_grace_of_a_step_that_is_stopping(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await engine.manager.cancel_run(run.id, requested_by="ada")
        await step.stop_requested.wait()

        asked, accepted = await engine.manager.cancel_run(run.id, requested_by="bob", grace_seconds=0)
        await engine.until(lambda: step.graces == [10, 0])

        assert accepted
        assert (cancel_of(asked).requested_by, cancel_of(asked).grace_seconds) == ("ada", 0)
        step.end()
        assert cancel_of(await engine.end_of(run.id)).grace_seconds == 0
        assert (Level.INFO, "grace shortened to 0s by bob") in cancel_records(await engine.log_of(run.id))


async def test_a_later_request_with_the_same_grace_logs_nothing(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await engine.manager.cancel_run(run.id, requested_by="ada")

        await engine.manager.cancel_run(run.id, requested_by="bob", grace_seconds=10)

        step.end()
        await engine.end_of(run.id)
        assert [text for _, text in cancel_records(await engine.log_of(run.id)) if "bob" in text] == []


async def test_what_a_cancel_showed_is_kept_when_its_request_is_recorded_late(tmp_path: Path) -> None:
    async with open_engine(tmp_path, executor=ScriptedExecutor(unkillable=True)) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        step.position = ("41 (sleep 60)",)
        gate = engine.faults.hold_after("request_cancel")
        cancel = asyncio.create_task(engine.manager.cancel_run(run.id))
        await engine.until(lambda: (topic := engine.hub.find(run.id)) is not None and topic.run.cancel is not None)
        await engine.until(lambda: live_cancel(engine, run.id).position == step.position)

        gate.open()
        asked, _ = await cancel

        assert cancel_of(asked).position == step.position
        step.end()
        await engine.end_of(run.id)


async def test_the_cancel_of_a_run_without_a_task_is_settled_by_its_end(tmp_path: Path) -> None:
    async with open_engine(tmp_path, owner="ours") as engine:
        await engine.store.insert_run(new_run("handbook"), owner="ours")

        await engine.manager.cancel_run(1, grace_seconds=0)

        ended = await engine.end_of(1)
        assert cancel_of(ended).settled_at == ended.finished_at


async def test_a_cancel_survives_a_crash_and_is_settled_by_the_recovery(tmp_path: Path) -> None:
    executor = ScriptedExecutor(unkillable=True)
    async with open_engine(tmp_path, owner="first", executor=executor, drain=False) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        step.position = ("41 (sleep 60)",)
        await engine.manager.cancel_run(run.id, requested_by="ada")
        await engine.until(lambda: live_cancel(engine, run.id).position == step.position)

    async with open_engine(tmp_path, owner="second") as engine:
        found = await engine.store.get_run(run.id)

        cancel = cancel_of(found)
        assert found.status is Status.INTERRUPTED
        assert (cancel.requested_by, cancel.position, cancel.effect) == ("ada", step.position, None)
        assert cancel.settled_at == found.finished_at


async def test_secrets_of_the_run_are_masked_in_its_cancel(tmp_path: Path) -> None:
    project = declare(secrets=("API_KEY",))
    async with open_engine(tmp_path, project, environ={"API_KEY": "correct-horse"}) as engine:
        run = await engine.manager.start_run("handbook")

        await engine.manager.cancel_run(run.id, requested_by="correct-horse", reason="because correct-horse")

        cancel = cancel_of(await engine.end_of(run.id))
        assert (cancel.requested_by, cancel.reason) == ("***", "because ***")
