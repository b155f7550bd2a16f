"""Starts the runs that are due. Several services may do this at once: the store lets each due time start only one run.

Whenever a schedule seems to be due, the scheduler reads from the store which due times were handled, and relies on
nothing in memory. Changing the clock therefore starts no run twice, and an outage of any length leads to at most one.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from solorun.component import Background
from solorun.errors import Problem, ServiceDraining, SolorunError, StartRepeated, StoreUnavailable
from solorun.notification import NewNotification, NotifyEvent
from solorun.project import Projects
from solorun.runs import RunManager
from solorun.schedule import Firing, FiringOutcome, MissedPolicy, Schedule, timings_of
from solorun.status import Status
from solorun.store import Store

MAX_WAIT_SECONDS: Final = 10.0
"""A change of the clock or of solorun.toml is noticed within this time."""
ON_TIME: Final = timedelta(minutes=1)
"""A due time that is handled later than this was missed."""
MAX_COUNT: Final = 1_000
"""The maximum count of missed due times."""

_RECENT: Final = 10
_NEVER: Final = datetime.max.replace(tzinfo=UTC)

_logger = logging.getLogger("solorun.triggers")


@dataclass(kw_only=True, eq=False)
class Scheduler(Background):
    """A Component. It starts nothing while the service drains."""

    task_name = "scheduler"

    store: Store
    manager: RunManager
    projects: Projects
    now: Callable[[], datetime]
    retry_seconds: float = 1.0

    def __post_init__(self) -> None:
        self._registered: dict[str, str] | None = None
        self._next: dict[str, tuple[datetime, datetime]] = {}
        """For each schedule, the time up to which due times were handled, and the first due time after that."""

    async def start_due_runs(self) -> None:
        """Start what is due now. If it raises SolorunError, call it again."""
        if self.manager.draining:
            return
        await self.projects.refresh()
        await self._register()
        for schedule in self.projects.schedules:
            if schedule.enabled:
                try:
                    await self._start_if_due(schedule)
                except SolorunError:
                    raise
                except Exception:
                    # The other schedules must not wait until this one is fixed.
                    _logger.exception("Internal error in the schedule %s", schedule.id)
        await self._report_late()

    async def _run(self) -> None:
        while True:
            try:
                await self.start_due_runs()
                await asyncio.sleep(self._seconds_to_wait())
                continue
            except ServiceDraining:
                return
            except SolorunError as error:
                _logger.warning("Cannot process the schedules; retrying: %s", error)
            except Exception:
                _logger.exception("Cannot process the schedules; retrying")
            await asyncio.sleep(self.retry_seconds)

    def _seconds_to_wait(self) -> float:
        now = self.now()
        waits = [
            (self._next[schedule.id][1] - now).total_seconds() + schedule.delay.total_seconds()
            for schedule in self.projects.schedules
            if schedule.id in self._next
        ]
        return max(0.0, min([*waits, MAX_WAIT_SECONDS]))

    async def _register(self) -> None:
        timings = timings_of(self.projects.schedules)
        if timings != self._registered:
            if timings or self._registered:
                await self.store.register_schedules(timings, at=self.now())
            self._registered = timings
            self._next.clear()

    async def _start_if_due(self, schedule: Schedule) -> None:
        now = self.now()
        until = now - schedule.delay
        if schedule.id in self._next:
            handled, due = self._next[schedule.id]
            if handled <= until < due:
                return
        state = await self.store.load_schedule(schedule.id, at=until)
        if state.handled_until > now:
            self._registered = None  # The clock was wrong when the schedule was registered: register it again.
            return
        handled = until if state.paused_at is not None else state.handled_until
        latest = schedule.cron.find_latest(after=handled, until=until)
        if latest is not None:
            missed = schedule.cron.count(after=handled, before=latest, limit=MAX_COUNT)
            await self._fire(schedule, latest, missed)
            handled = latest
        self._next[schedule.id] = handled, next(schedule.cron.after(handled), _NEVER)

    async def _fire(self, schedule: Schedule, due: datetime, missed: int) -> None:
        """Start the run of a due time, or record why it was not started. Another service may already have done so."""
        now = self.now()
        late_at = schedule.find_late_at(due)
        firing = Firing(schedule.id, schedule.project, due, now, missed_count=missed, late_at=late_at)
        if schedule.missed is MissedPolicy.SKIP and now - due - schedule.delay > ON_TIME:
            await self._record(firing, FiringOutcome.MISSED, "No service was running at that time.")
        elif (queued := await self._find_queued_run(schedule)) is not None:
            await self._record(firing, FiringOutcome.SKIPPED, f"Run {queued} of this schedule is still queued.")
        else:
            await self._start(schedule, firing)

    async def _find_queued_run(self, schedule: Schedule) -> int | None:
        """The run of this schedule that is still queued, if any. A queue of identical runs would only grow."""
        recent = await self.store.list_firings(schedule=schedule.id, limit=_RECENT)
        return next((firing.run_id for firing in recent if firing.run_status is Status.QUEUED), None)

    async def _start(self, schedule: Schedule, firing: Firing) -> None:
        try:
            submission = await self.manager.submit_run(
                schedule.project,
                scope=schedule.scope,
                triggered_by=schedule.triggered_by,
                params=schedule.params,
                on_conflict=schedule.on_conflict,
                firing=firing,
            )
        except StartRepeated:
            return
        except StoreUnavailable:
            # The firing may have been committed together with a run that will be given up. Wait until that is certain.
            await self.manager.registry.wait_for_starts()
            await self.manager.reaper.wait_until_done()
            raise
        except ServiceDraining:
            raise
        except Problem as refusal:
            await self._record(firing, FiringOutcome.REFUSED, refusal.message)
        else:
            if submission.joined:
                await self._record(replace(firing, run_id=submission.run.id), FiringOutcome.JOINED)

    async def _report_late(self) -> None:
        schedules = {schedule.id: schedule for schedule in self.projects.schedules if schedule.late is not None}
        if not schedules:
            return
        unsettled = sorted(await self.store.list_unsettled_firings(at=self.now()), key=attrgetter("schedule", "due_at"))
        for name, group in groupby(unsettled, key=attrgetter("schedule")):
            firings = list(group)
            late = [firing for firing in firings if firing.late]
            schedule = schedules.get(name)
            if schedule is None or not late:
                await self.store.settle_firings(firings)
                continue
            news = self._compose_late(schedule, late)
            targets = self.projects.get_project(schedule.project).targets_of(NotifyEvent.LATE)
            if any(firing.late for firing in await self.store.settle_firings(firings, news=news, targets=targets)):
                _logger.warning("Schedule %s is late: %s", name, news.detail)

    def _compose_late(self, schedule: Schedule, late: list[Firing]) -> NewNotification:
        first, *others = late
        due = first.due_at.astimezone(schedule.cron.zone)
        missed = f"the run due {due:%A at %H:%M} ({due.tzname()}) had not completed by {schedule.late:%H:%M}"
        more = f", nor had {len(others)} later {'one' if len(others) == 1 else 'ones'}" if others else ""
        return NewNotification(
            NotifyEvent.LATE,
            schedule.project,
            key=f"late {schedule.id} {first.due_at.isoformat()}",
            occurred_at=self.now(),
            detail=missed + more,
            run_id=first.run_id,
        )

    async def _record(self, firing: Firing, outcome: FiringOutcome, reason: str = "") -> None:
        if await self.store.record_firing(replace(firing, outcome=outcome, reason=reason)):
            _logger.log(
                logging.INFO if outcome is FiringOutcome.JOINED else logging.WARNING,
                "Schedule %s: the run due at %s was %s%s",
                firing.schedule,
                firing.due_at.isoformat(),
                outcome,
                f": {reason}" if reason else "",
            )
