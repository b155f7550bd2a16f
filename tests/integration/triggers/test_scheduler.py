"""What schedules start, over real stores, with a clock that the test sets."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from solorun.schedule import FiringOutcome, MissedPolicy
from solorun.status import Status
from solorun.triggers import Scheduler
from tests.fakes.clock import Clock
from tests.fakes.engine import Engine
from tests.integration.triggers.scheduling import START, complete, firings, nightly, scheduling


async def complete_all(engine: Engine) -> None:
    """End every step until no run is active."""

    def have_ended() -> bool:
        for step in engine.executor.begun:
            step.end()
        return not list(engine.registry)

    await engine.until(have_ended)


async def test_a_run_starts_when_it_is_due(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(name="nightly", params={"date": "today"}), clock=clock) as (
        engine,
        scheduler,
    ):
        clock.set("2026-11-03T02:59:59+00:00")
        await scheduler.start_due_runs()
        assert await engine.store.list_runs() == []

        clock.set("2026-11-03T03:00:00+00:00")
        await scheduler.start_due_runs()
        await scheduler.start_due_runs()

        run = await complete(engine)
        assert (run.triggered_by, run.scope, run.params) == ("schedule:nightly", "full", {"date": "today"})
        (firing,) = await firings(engine)
        assert (firing.schedule, firing.run_id) == ("handbook.nightly", run.id)
        assert (firing.due_at, firing.outcome, firing.missed_count) == (clock.time, FiringOutcome.STARTED, 0)


async def test_a_scheduler_finds_out_by_itself_that_a_run_is_due(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(), clock=clock) as (engine, scheduler):
        clock.set("2026-11-03T03:00:00+00:00")

        await scheduler.start()
        try:
            assert (await complete(engine)).triggered_by == "schedule"
        finally:
            await scheduler.stop()


async def test_a_schedule_waits_for_its_jitter(tmp_path: Path) -> None:
    clock = Clock(START)
    project = nightly(jitter_seconds=3600)
    delay = project.schedules[0].delay
    async with scheduling(tmp_path, project, clock=clock) as (engine, scheduler):
        clock.set("2026-11-03T03:00:00+00:00")
        clock.time += delay - timedelta(seconds=1)
        await scheduler.start_due_runs()
        assert await engine.store.list_runs() == []

        clock.time += timedelta(seconds=1)
        await scheduler.start_due_runs()

        (firing,) = await firings(engine)
        assert (firing.due_at, firing.fired_at) == (datetime(2026, 11, 3, 3, tzinfo=UTC), clock.time)
        assert delay // timedelta(hours=1) == 0
        await complete(engine)


async def test_an_outage_of_a_week_is_caught_up_with_one_run(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(), clock=clock):
        pass
    clock.time += timedelta(days=7)

    async with scheduling(tmp_path, nightly(), clock=clock) as (engine, scheduler):
        await complete(engine)
        await scheduler.start_due_runs()

        (firing,) = await firings(engine)
        assert (firing.due_at, firing.missed_count) == (datetime(2026, 11, 9, 3, tzinfo=UTC), 6)
        assert len(await engine.store.list_runs()) == 1


async def test_an_outage_of_a_week_is_skipped_if_the_schedule_says_so(tmp_path: Path) -> None:
    clock = Clock(START)
    project = nightly(missed=MissedPolicy.SKIP)
    async with scheduling(tmp_path, project, clock=clock):
        pass
    clock.time += timedelta(days=7)

    async with scheduling(tmp_path, project, clock=clock) as (engine, scheduler):
        await scheduler.start_due_runs()

        assert [(firing.outcome, firing.missed_count) for firing in await firings(engine)] == [
            (FiringOutcome.MISSED, 6)
        ]
        assert await engine.store.list_runs() == []


async def test_a_restart_of_a_few_seconds_misses_nothing(tmp_path: Path) -> None:
    clock = Clock("2026-11-03T02:59:50+00:00")
    project = nightly(missed=MissedPolicy.SKIP)
    async with scheduling(tmp_path, project, clock=clock):
        pass
    clock.time += timedelta(seconds=40)

    async with scheduling(tmp_path, project, clock=clock) as (engine, _):
        assert (await complete(engine)).status is Status.COMPLETED


async def test_a_clock_that_jumps_neither_floods_nor_repeats(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(), clock=clock) as (engine, scheduler):
        times = ["2036-11-03T03:00:01", "2026-11-03T02:00:00", "2026-11-03T03:00:01", "2026-11-03T00:00:00"]
        for moment in [*times, "2026-11-03T04:00:00", "2026-11-04T03:00:00", "1970-01-01T00:00:00"]:
            clock.set(f"{moment}+00:00")
            await scheduler.start_due_runs()
            await scheduler.start_due_runs()
            await complete_all(engine)

        dues = [firing.due_at.isoformat() for firing in await firings(engine)]
        assert dues == [f"{day}T03:00:00+00:00" for day in ("2036-11-03", "2026-11-04", "2026-11-03")]
        assert len(await engine.store.list_runs()) == 3


async def test_a_schedule_that_began_with_a_wrong_clock_begins_again(tmp_path: Path) -> None:
    clock = Clock("2036-11-02T12:00:00+00:00")
    async with scheduling(tmp_path, nightly(), clock=clock) as (engine, scheduler):
        for moment in (START, START, "2026-11-03T03:00:00+00:00"):
            clock.set(moment)
            await scheduler.start_due_runs()

        assert [firing.due_at for firing in await firings(engine)] == [clock.time]
        await complete(engine)


async def test_a_due_time_starts_one_run_whatever_the_number_of_services(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(), clock=clock) as (engine, scheduler):
        others = [
            Scheduler(store=engine.store, manager=engine.manager, projects=engine.projects, now=clock) for _ in range(3)
        ]
        clock.set("2026-11-03T03:00:00+00:00")

        await asyncio.gather(*(each.start_due_runs() for each in [scheduler, *others]))

        await complete(engine)
        assert len(await engine.store.list_runs()) == 1
        assert [firing.outcome for firing in await firings(engine)] == [FiringOutcome.STARTED]
