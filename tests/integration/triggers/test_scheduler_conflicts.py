"""What a scheduler does when a run waits, a start is refused, a schedule changes or the service drains."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from solorun.component import running
from solorun.cron import Cron
from solorun.errors import StoreUnavailable
from solorun.notification import NotifyEvent, NotifyTarget, TargetKind
from solorun.queueing import ConflictPolicy
from solorun.schedule import FiringOutcome, Schedule
from solorun.status import Status
from solorun.store import DeliveryFilter
from solorun.triggers import Scheduler
from tests.fakes.clock import Clock
from tests.fakes.engine import EngineLimits, declare
from tests.fakes.patience import PATIENCE_SECONDS
from tests.integration.triggers.scheduling import START, complete, firings, nightly, scheduling


def target(name: str, event: NotifyEvent) -> NotifyTarget:
    return NotifyTarget(name, TargetKind.WEBHOOK, "https://example.org", secret="$S", events=(event,))


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
        await engine.manager.drain(PATIENCE_SECONDS)
        clock.set("2026-11-03T03:00:00+00:00")
        await scheduler.start_due_runs()

        assert await firings(engine) == []


async def test_due_runs_start_although_a_look_has_failed_unexpectedly(tmp_path: Path) -> None:
    clock = Clock(START)
    async with scheduling(tmp_path, nightly(), clock=clock) as (engine, _):
        clock.set("2026-11-03T03:00:00+00:00")
        engine.faults.fail("register_schedules", RuntimeError("can't start new thread"))
        restarted = Scheduler(
            store=engine.store, manager=engine.manager, projects=engine.projects, now=clock, retry_seconds=0.01
        )

        async with running(restarted):
            run = await complete(engine)

        assert [firing.run_id for firing in await firings(engine)] == [run.id]


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
        (delivery,) = await engine.store.list_deliveries(DeliveryFilter())
        assert (delivery.target, delivery.run_id) == ("ops", firing.run_id)
        late = [message for message in caplog.messages if "late" in message]
        assert late == [f"Schedule handbook is late: {delivery.detail}"]
        assert delivery.detail == "the run due Tuesday at 03:00 (CET) had not completed by 07:00"


async def test_a_frequent_schedule_that_is_stuck_is_reported_late_once(tmp_path: Path) -> None:
    clock = Clock("2026-11-03T04:30:00+00:00")
    project = nightly(late=time(7), cron=Cron("0 * * * *"), on_conflict=ConflictPolicy.REJECT)
    project = replace(project, notify=(target("ops", NotifyEvent.LATE),))
    async with scheduling(tmp_path, project, clock=clock) as (engine, scheduler):
        stuck = await engine.manager.start_run("handbook")
        for _ in range(50):
            clock.time += timedelta(hours=1)
            await scheduler.start_due_runs()

        (first,) = await engine.store.list_deliveries(DeliveryFilter())
        assert first.detail == "the run due Tuesday at 05:00 (UTC) had not completed by 07:00, nor had 1 later one"
        assert (await complete(engine)).id == stuck.id

        clock.time += timedelta(hours=1)
        await scheduler.start_due_runs()
        completed = await complete(engine)
        await engine.manager.start_run("handbook")
        for _ in range(24):
            clock.time += timedelta(hours=1)
            await scheduler.start_due_runs()

        assert completed.triggered_by == "schedule"
        second, _ = await engine.store.list_deliveries(DeliveryFilter())
        assert second.detail.endswith("had not completed by 07:00, nor had 22 later ones")
        await complete(engine)
