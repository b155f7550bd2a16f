"""The engine in unusual conditions: foreign rows, a store that hangs, clock jumps, readers that come and go."""

import asyncio
import contextlib
import gc
import sqlite3
import weakref
from datetime import timedelta
from pathlib import Path

import pytest

from solorun.errors import RunActive, RunNotActive, StoreUnavailable
from solorun.logs import Receiver, Topic
from solorun.segment import Segment
from solorun.status import Status
from tests.fakes.engine import declare, noting_limits, open_engine, system_now
from tests.faults.trial import DATABASE_NAME


async def test_a_row_of_another_owner_is_named_and_blocks_no_other_project(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",)), declare("other", steps=("work",))) as engine:
        with contextlib.closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as other, other:
            other.execute(
                "INSERT INTO runs (project, scope, status, owner, triggered_by, params, created_at)"
                " VALUES ('handbook', 'full', 'running', 'another owner', 'api', '{}', 1)"
            )

        with pytest.raises(RunActive) as refusal:
            await engine.manager.start_run("handbook")
        run = await engine.manager.start_run("other")

        assert refusal.value.active_run.id == 1
        assert run.id == 2


async def test_cancelling_an_ended_run_does_not_wait_for_a_start_that_hangs(
    tmp_path: Path,
) -> None:
    async with open_engine(tmp_path, declare(steps=("work",)), declare("other", steps=("work",))) as engine:
        ended = await engine.manager.start_run("handbook")
        (await engine.executor.step("work")).end()
        await engine.end_of(ended.id)
        held = engine.faults.hold("insert_run")
        with noting_limits() as limits:
            starting = asyncio.create_task(engine.manager.start_run("other"))
            await held.reached.wait()
            cancelling = asyncio.create_task(engine.manager.cancel_run(ended.id))
            await engine.until(lambda: len(limits) == 2 or cancelling.done())
        for limit in limits:
            limit.reschedule(0)

        async with asyncio.timeout(60):
            with pytest.raises((StoreUnavailable, RunNotActive)):
                await cancelling

        held.open()
        with pytest.raises(StoreUnavailable):
            await starting


async def test_readers_of_a_silent_run_that_leave_are_forgotten(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("work")
        topic = engine.hub.find(run.id)
        assert topic is not None
        await engine.until(lambda: topic.run.last_seq == 1)

        receivers = [await _wait_and_leave(topic) for _ in range(100)]
        gc.collect()

        assert not any(receiver() for receiver in receivers)
        step.end()
        assert (await engine.end_of(run.id)).status is Status.COMPLETED


async def _wait_and_leave(topic: Topic) -> "weakref.ref[Receiver]":
    def refuse(_: Segment) -> bool:
        return False

    reader = asyncio.create_task(topic.wait_after(1, refuse))
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.wait([reader])
    return weakref.ref(refuse)


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1), timedelta(days=-20_000), timedelta(0)])
async def test_a_clock_that_jumps_or_stops_ends_no_run_and_keeps_the_order(tmp_path: Path, jump: timedelta) -> None:
    times = [system_now()]
    project = declare(steps=("work",), timeout_seconds=60, step_timeout_seconds=60)
    async with open_engine(tmp_path, project, now=lambda: times[-1]) as engine:
        first = await engine.manager.start_run("handbook")
        step = await engine.executor.step("work")
        await step.context.log("before")
        times.append(times[-1] + jump)
        await step.context.log("after")
        step.end()

        ended = await engine.end_of(first.id)
        second = await engine.manager.start_run("handbook")

        assert ended.status is Status.COMPLETED
        assert ended.started_at is not None
        assert ended.finished_at is not None
        assert timedelta(0) <= ended.finished_at - ended.started_at < timedelta(minutes=1)
        log = await engine.log_of(first.id)
        assert [record.seq for record in log] == list(range(1, ended.last_seq + 1))
        assert [record.time for record in log] == sorted(record.time for record in log)
        assert second.id > first.id
        (await engine.executor.step("work")).end()
        await engine.end_of(second.id)
        assert await engine.store.check() == []


async def test_a_drain_that_times_out_leaves_every_run_to_the_next_start(tmp_path: Path) -> None:
    async with open_engine(
        tmp_path, declare(steps=("work",)), declare("other", steps=("work",)), drain=False
    ) as engine:
        await engine.manager.start_run("handbook")
        await engine.manager.start_run("other")
        steps = [await engine.executor.step("work") for _ in range(2)]
        held = engine.faults.hold("commit")
        await steps[0].context.log("this commit hangs")
        await held.reached.wait()

        async with asyncio.timeout(60):
            await engine.manager.drain(0.3)

        held.open()
    async with open_engine(tmp_path, owner="the next") as engine:
        runs = await engine.store.list_runs()
        assert [run.status for run in runs] == [Status.INTERRUPTED] * 2
        assert await engine.store.check() == []
