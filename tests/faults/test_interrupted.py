"""Cancels calls at every await: no transaction stays open, no run is stuck or without a task, later calls work."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from solorun.errors import RunActive, RunNotActive
from solorun.outcome import Outcome
from solorun.record import Stream
from solorun.run import Cancel, Run
from solorun.status import Status
from solorun.store import Batch, FinalState, LogQuery, NewRun
from solorun.stores.sqlite import SqliteRunStore
from solorun.stores.sqlite.connection import Connection
from tests.fakes.engine import Engine
from tests.fakes.stores import noting_connections
from tests.faults.conftest import MakeTrials
from tests.faults.interrupted import INTERRUPTERS, at_every_suspension
from tests.faults.trial import Trial, until

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Call = Callable[["Bench"], Awaitable[object]]


class Bench:
    """An engine with one ended run that has a log, and possibly an active run."""

    def __init__(self, trial: Trial, engine: Engine, ended: int) -> None:
        self.trial = trial
        self.engine = engine
        self.ended = ended
        self.active = 0

    async def begin(self) -> None:
        """Start a run, unless one is active."""
        step = self.trial.executor.steps.get(self.active)
        if step is not None and step.result is None:
            return
        await until(lambda: not self.engine.manager.list_active_runs())
        run = await self.trial.start()
        assert run is not None
        self.active = run.id
        await until(lambda: run.id in self.trial.executor.steps)

    async def end(self) -> None:
        """End all active runs."""
        await asyncio.sleep(0)
        for run in self.engine.manager.list_active_runs():
            await until(lambda: run.id in self.trial.executor.steps)  # noqa: B023
            self.trial.executor.steps[run.id].end()
            await self.engine.end_of(run.id)
        await until(lambda: not self.engine.manager.list_active_runs())


async def _start(bench: Bench) -> None:
    with contextlib.suppress(RunActive):
        run = await bench.engine.manager.start_run("handbook")
        bench.trial.history.note(0, bench.trial.history.entries[0].kind, "begun", run.id)


async def _follow(bench: Bench) -> list[Any]:
    return [item async for item in bench.engine.tail.follow(bench.ended)]


async def _follow_live(bench: Bench) -> None:
    items = bench.engine.tail.follow(bench.active)
    async with contextlib.aclosing(items), asyncio.timeout(60):
        async for item in items:
            if isinstance(item, Run):
                return
            bench.trial.executor.steps[bench.active].end()


async def _cancel_ended(bench: Bench) -> None:
    with contextlib.suppress(RunNotActive):
        await bench.engine.manager.cancel_run(bench.ended)


async def _watch(bench: Bench) -> None:
    with bench.engine.hub.open_feed() as feed:
        feed.snapshot()
        bench.trial.executor.steps[bench.active].end()
        async with asyncio.timeout(60):
            await feed.changes()


def _new() -> NewRun:
    return NewRun("other", "full", "api", {}, NOW, ("work",))


async def _store_life(bench: Bench) -> None:
    """Every write of the store, one after another, on a run that has no task."""
    store = bench.engine.store
    with contextlib.suppress(RunActive):
        await store.insert_run(_new(), owner="bench")
    run = await store.find_active_run("other")
    assert run is not None
    await store.request_cancel(run.id, Cancel(NOW, "api"))
    await store.commit([Batch(replace(run, status=Status.RUNNING, started_at=NOW), None)], owner="bench")
    ending = FinalState(Outcome(Status.CANCELLED), NOW)
    await store.finalize_run(run.id, owner="bench", ending=ending)
    await store.compact_segments(bench.ended)


async def _store_reads(bench: Bench) -> None:
    store = bench.engine.store
    await store.find_latest_run("handbook")
    await store.list_runs(limit=2)
    await store.list_latest_runs()
    await store.list_orphaned_runs("another owner")
    await store.median_duration_seconds("handbook", "full")
    await store.read_segments(bench.ended, after=0)
    await store.read_log(bench.ended, LogQuery(text="7"))
    await store.check()


CALLS: dict[str, Call] = {
    "start_run": _start,
    "cancel_run": lambda bench: bench.engine.manager.cancel_run(bench.active),
    "cancel_run of an ended run": _cancel_ended,
    "get_run": lambda bench: bench.engine.manager.get_run(bench.ended),
    "get_current_run": lambda bench: bench.engine.manager.get_current_run("handbook"),
    "follow": _follow,
    "follow live": _follow_live,
    "watch": _watch,
    "log": lambda bench: bench.trial.executor.steps[bench.active].context.log("a line"),
    "writes of the store": _store_life,
    "reads of the store": _store_reads,
}
NEEDS_ACTIVE_RUN = {"cancel_run", "follow live", "watch", "log"}


@pytest.mark.needs(minutes=0.15)
@pytest.mark.parametrize("interrupter", INTERRUPTERS)
@pytest.mark.parametrize("call", CALLS)
async def test_a_call_can_be_cancelled_at_any_await_without_harm(
    trials: MakeTrials, tmp_path: Path, call: str, interrupter: str
) -> None:
    tried = trials(
        "P9", f"{len(CALLS)} groups of calls, cancelled through their {interrupter} at every await", short=1, goal=1_000
    )
    trial = Trial(tmp_path)
    await trial.prepare()
    async with AsyncExitStack() as stack:
        with noting_connections() as connections:
            engine = await stack.enter_async_context(trial.engine())
        bench = Bench(trial, engine, await _ended_run(trial, engine))
        for _ in tried:
            if call in NEEDS_ACTIVE_RUN:
                await bench.begin()
            async for _at in at_every_suspension(lambda: CALLS[call](bench), INTERRUPTERS[interrupter]):
                tried.judge(await _open_transactions(connections))
                if call in NEEDS_ACTIVE_RUN:
                    await bench.begin()
            await bench.end()
            await bench.begin()
            await bench.end()
        await _settle_other(bench)
    tried.judge(trial_violations(trial), tried=0)
    assert not tried.violations


@pytest.mark.parametrize("interrupter", INTERRUPTERS)
async def test_opening_a_store_cancelled_at_any_await_leaves_no_lock(tmp_path: Path, interrupter: str) -> None:
    opened: list[SqliteRunStore] = []

    async def open_and_close() -> None:
        store = await SqliteRunStore.open(tmp_path)
        opened.append(store)
        await store.close()

    async for _ in at_every_suspension(open_and_close, INTERRUPTERS[interrupter]):
        for store in opened:
            await store.close()

    store = await SqliteRunStore.open(tmp_path)
    async with asyncio.timeout(60):
        await store.insert_run(_new(), owner="bench")
    await store.close()


def trial_violations(trial: Trial) -> list[str]:
    """The violations found, except for starts whose callers the test cancelled."""
    return [found for found in trial.audit() if not found.startswith("only_acknowledged_runs_work")]


async def _ended_run(trial: Trial, engine: Engine) -> int:
    run = await trial.start()
    assert run is not None
    step = await trial.executor.step("work")
    for number in range(20):
        await step.context.output.write("work", Stream.STDOUT, [str(number)])
    step.end()
    await engine.end_of(run.id)
    return run.id


async def _open_transactions(connections: list[Connection]) -> list[str]:
    in_transaction = [await connection.maintain(lambda driver: driver.in_transaction) for connection in connections]
    return ["a transaction was left open"] * any(in_transaction)


async def _settle_other(bench: Bench) -> None:
    """End the run that an interrupted write may have left."""
    if (run := await bench.engine.store.find_active_run("other")) is not None:
        ending = FinalState(Outcome(Status.FAILED, "left"), NOW)
        await bench.engine.store.finalize_run(run.id, owner="bench", ending=ending)
