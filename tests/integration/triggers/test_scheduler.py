"""What schedules start, over real stores, with a clock that the test sets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from solorun.cron import Cron
from solorun.errors import StoreUnavailable
from solorun.notification import NotifyEvent, NotifyTarget, TargetKind
from solorun.outbox import DeliveryFilter
from solorun.project import Project
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.schedule import Firing, FiringOutcome, MissedPolicy, Schedule
from solorun.status import Status
from solorun.triggers import Scheduler
from tests.fakes.clock import Clock
from tests.fakes.engine import Engine, EngineLimits, declare, open_engine

START = "2026-11-02T12:00:00+00:00"
STEP = "extract"


def nightly(**changes: Any) -> Project:
    """A project that runs at 03:00 UTC."""
    schedule = Schedule("handbook", **{"cron": Cron("0 3 * * *"), **changes})
    return declare(steps=(STEP,), schedules=(schedule,), params=("date",))


def target(name: str, event: NotifyEvent) -> NotifyTarget:
    return NotifyTarget(name, TargetKind.WEBHOOK, "https://example.org", secret="$S", events=(event,))


@asynccontextmanager
async def scheduling(
    path: Path, *projects: Project, clock: Clock, **options: Any
) -> AsyncIterator[tuple[Engine, Scheduler]]:
    """An engine with a scheduler that has seen its schedules. It looks when the test calls it."""
    async with open_engine(path, *projects, now=clock, **options) as engine:
        scheduler = Scheduler(store=engine.store, manager=engine.manager, projects=engine.projects, now=clock)
        await scheduler.start_due_runs()
        yield engine, scheduler


async def complete(engine: Engine) -> Run:
    """End the next step, and return its run."""
    step = await engine.executor.step(STEP)
    step.end()
    return await engine.end_of(step.context.run_id)


async def complete_all(engine: Engine) -> None:
    """End every step until no run is active."""

    def have_ended() -> bool:
        for step in engine.executor.begun:
            step.end()
        return not list(engine.registry)

    await engine.until(have_ended)


async def firings(engine: Engine) -> list[Firing]:
    return await engine.store.list_firings(limit=100)


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


async def test_a_run_waits_for_the_one_before_it(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(), clock=clock) as (engine, scheduler):
        by_hand = await engine.manager.start_run("handbook")
        clock.set("2026-11-03T03:00:00+00:00")
        await scheduler.start_due_runs()

        (firing,) = await firings(engine)
        assert firing.run_status is Status.QUEUED
        assert (await complete(engine)).id == by_hand.id
        assert (await complete(engine)).id == firing.run_id


async def test_a_schedule_has_at_most_one_queued_run(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(cron=Cron("* * * * *")), clock=clock) as (engine, scheduler):
        for _ in range(4):
            clock.time += timedelta(minutes=1)
            await scheduler.start_due_runs()

        last, *_, queued, _first = found = await firings(engine)
        assert [firing.outcome for firing in found] == [FiringOutcome.SKIPPED] * 2 + [FiringOutcome.STARTED] * 2
        assert last.reason == f"Run {queued.run_id} of this schedule is still queued."


async def test_a_refused_start_is_recorded_with_its_reason(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(on_conflict=ConflictPolicy.REJECT), clock=clock) as (engine, scheduler):
        await engine.manager.start_run("handbook")
        clock.set("2026-11-03T03:00:00+00:00")
        await scheduler.start_due_runs()

        (firing,) = await firings(engine)
        assert (firing.outcome, firing.run_id) == (FiringOutcome.REFUSED, None)
        assert firing.reason == "Project handbook has an active run: 1."
        await complete(engine)
        clock.time += timedelta(minutes=1)
        await scheduler.start_due_runs()
        assert len(await engine.store.list_runs()) == 1


async def test_a_schedule_can_join_an_active_run(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(on_conflict=ConflictPolicy.JOIN), clock=clock) as (engine, scheduler):
        active = await engine.manager.start_run("handbook")
        clock.set("2026-11-03T03:00:00+00:00")
        await scheduler.start_due_runs()

        assert [(each.outcome, each.run_id) for each in await firings(engine)] == [(FiringOutcome.JOINED, active.id)]


async def test_a_paused_schedule_starts_nothing_and_does_not_catch_up(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(), clock=clock) as (engine, scheduler):
        await engine.store.pause_schedule("handbook", requested_by="ada", reason="", at=clock())
        clock.set("2026-11-03T03:00:00+00:00")
        await scheduler.start_due_runs()
        clock.set("2026-11-03T12:00:00+00:00")
        await engine.store.resume_schedule("handbook", at=clock())
        await scheduler.start_due_runs()
        assert await firings(engine) == []

        clock.set("2026-11-04T03:00:00+00:00")
        await scheduler.start_due_runs()

        assert [firing.due_at for firing in await firings(engine)] == [clock.time]
        await complete(engine)


@pytest.mark.parametrize("change", [{"enabled": False}, {"cron": Cron("0 4 * * *")}])
async def test_a_schedule_that_was_changed_begins_afresh(tmp_path: Path, change: dict[str, Any]) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(**change), clock=clock):
        pass
    clock.set("2026-11-03T12:00:00+00:00")

    async with scheduling(tmp_path, nightly(), clock=clock) as (engine, scheduler):
        await scheduler.start_due_runs()

        assert await firings(engine) == []


async def test_an_internal_error_in_one_schedule_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(START)
    find_latest = Cron.find_latest

    def fail(cron: Cron, **bounds: datetime) -> datetime | None:
        if cron.expression.startswith("1"):
            raise OverflowError("no such date")
        return find_latest(cron, **bounds)

    broken = declare("broken", schedules=(Schedule("broken", Cron("1 3 * * *")),))
    async with scheduling(tmp_path, broken, nightly(), clock=clock) as (engine, scheduler):
        monkeypatch.setattr(Cron, "find_latest", fail)
        clock.set("2026-11-03T03:01:00+00:00")
        await scheduler.start_due_runs()

        assert [firing.schedule for firing in await firings(engine)] == ["handbook"]
        assert "Internal error in the schedule broken" in caplog.text
        await complete(engine)


async def test_a_draining_service_starts_nothing(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(), clock=clock) as (engine, scheduler):
        await engine.manager.drain(5.0)
        clock.set("2026-11-03T03:00:00+00:00")
        await scheduler.start_due_runs()

        assert await firings(engine) == []


async def test_a_start_that_the_database_did_not_confirm_is_made_again(tmp_path: Path) -> None:
    clock = Clock(START)
    limits = EngineLimits(reaper_retry_seconds=0.01)
    async with scheduling(tmp_path, nightly(), clock=clock, limits=limits) as (engine, scheduler):
        clock.set("2026-11-03T03:00:00+00:00")
        engine.faults.fail_after("insert_run", StoreUnavailable("the answer was lost"))

        with pytest.raises(StoreUnavailable):
            await scheduler.start_due_runs()
        await scheduler.start_due_runs()

        run = await complete(engine)
        assert [(firing.run_id, firing.run_status) for firing in await firings(engine)] == [(run.id, Status.COMPLETED)]
        assert [each.status for each in await engine.store.list_runs()] == [Status.COMPLETED, Status.FAILED]


async def test_a_run_that_has_not_completed_in_time_is_late(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock(START)
    project = nightly(late=time(7), cron=Cron("0 3 * * *", "Europe/Berlin"))
    project = replace(project, notify=(target("ops", NotifyEvent.LATE), target("dev", NotifyEvent.FAILED)))
    async with scheduling(tmp_path, project, clock=clock) as (engine, scheduler):
        for moment in ("02:00", "05:59", "06:00", "06:01"):
            clock.set(f"2026-11-03T{moment}:00+00:00")
            await scheduler.start_due_runs()

        (firing,) = await firings(engine)
        assert (firing.late, firing.late_at) == (True, datetime(2026, 11, 3, 6, tzinfo=UTC))
        late = [message for message in caplog.messages if "late" in message]
        assert late == ["Schedule handbook is late: what was due 2026-11-03 02:00:00+00:00 has not completed"]
        (delivery,) = await engine.store.list_deliveries(DeliveryFilter())
        assert (delivery.target, delivery.run_id) == ("ops", firing.run_id)
        assert delivery.detail == "what was due Tuesday at 03:00 (CET) had not completed by 07:00"
