"""The declared schedules with their state, as the API shows them, their pauses, and runs that are not due."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from msgspec.structs import replace

from solorun.errors import ScheduleNotFound
from solorun.idempotency_key import IdempotencyKey
from solorun.project import Projects
from solorun.queueing import ConflictPolicy
from solorun.runs import RunManager, Submission
from solorun.schedule import (
    Firing,
    FiringOutcome,
    FiringTrigger,
    Schedule,
    ScheduleState,
    ScheduleSummary,
    project_of,
    timings_of,
)
from solorun.store import Store

MIN_SHOWN: Final = 3
"""How many of the next due times are shown, even if they are far away."""

_logger = logging.getLogger("solorun.triggers")


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedules:
    """The schedules that are declared now."""

    store: Store
    manager: RunManager
    projects: Projects
    now: Callable[[], datetime]

    async def list_all(self, *, project: str | None = None, count: int) -> list[ScheduleSummary]:
        """All schedules, or those of a project, in the order of the file, with their next due times, up to `count`.

        More than MIN_SHOWN only if they are in the next 24 hours.
        """
        await self.projects.refresh()
        found = [schedule for schedule in self.projects.schedules if project in (None, schedule.project)]
        now = self.now()
        states = await self.store.list_schedules(at=now)
        firings = await self.store.list_last_firings()
        summaries = []
        for schedule in found:
            state = states.get(schedule.id, ScheduleState(now))
            # In a thread, because many due times take long.
            due = await asyncio.to_thread(_find_next, schedule, state, now, count)
            seconds = await self.store.median_duration_seconds(schedule.project, schedule.scope)
            summaries.append(_summarize(schedule, state, firings.get(schedule.id), due, seconds))
        return summaries

    async def pause(self, schedule: str, *, requested_by: str, reason: str) -> ScheduleSummary:
        """Start no more runs of the schedule until it is resumed. A paused one keeps its first reason.

        Raises ScheduleNotFound.
        """
        await self._find(schedule)
        if await self.store.pause_schedule(schedule, requested_by=requested_by, reason=reason, at=self.now()):
            _logger.info("Schedule %s was paused by %s", schedule, requested_by)
        return await self._summary_of(schedule)

    async def resume(self, schedule: str, *, requested_by: str) -> ScheduleSummary:
        """End a pause. What was due during it is not caught up. Raises ScheduleNotFound."""
        await self._find(schedule)
        await self.store.resume_schedule(schedule, at=self.now())
        _logger.info("Schedule %s was resumed by %s", schedule, requested_by)
        return await self._summary_of(schedule)

    async def run(
        self, schedule: str, *, triggered_by: str, on_conflict: ConflictPolicy | None, key: IdempotencyKey | None
    ) -> Submission:
        """Start a run of the schedule, whether it is due, paused or not enabled. Its due times stay as they are.

        Raises ScheduleNotFound, and what `RunManager.submit_run` raises. With a key, use `submit_once`.
        """
        found = await self._find(schedule)
        now = self.now()
        firing = Firing(schedule, found.project, now, now, trigger=FiringTrigger.MANUAL)
        submission = await self.manager.submit_run(
            found.project,
            scope=found.scope,
            triggered_by=triggered_by,
            params=found.params,
            on_conflict=on_conflict or found.on_conflict,
            key=key,
            firing=firing,
        )
        if submission.joined:
            await self.store.record_firing(replace(firing, outcome=FiringOutcome.JOINED, run_id=submission.run.id))
        await self.store.end_lateness(schedule)
        return submission

    async def _find(self, schedule: str) -> Schedule:
        """Raises ScheduleNotFound unless the schedule is declared. It may be new: registers it."""
        await self.projects.refresh()
        declared = {each.id: each for each in self.projects.schedules}
        if schedule not in declared:
            raise ScheduleNotFound(f'There is no schedule "{schedule[:100]}".')
        await self.store.register_schedules(timings_of(declared.values()), at=self.now())
        return declared[schedule]

    async def _summary_of(self, schedule: str) -> ScheduleSummary:
        for summary in await self.list_all(project=project_of(schedule), count=MIN_SHOWN):
            if summary.id == schedule:
                return summary
        raise ScheduleNotFound


def _find_next(schedule: Schedule, state: ScheduleState, now: datetime, count: int) -> tuple[datetime, ...]:
    is_active = schedule.enabled and state.paused_at is None
    return tuple(islice(_find_soon(schedule, now), count)) if is_active else ()


def _find_soon(schedule: Schedule, now: datetime) -> Iterator[datetime]:
    """The due times of the next day, and at least a few."""
    for number, due in enumerate(schedule.cron.after(now)):
        if number >= MIN_SHOWN and due > now + timedelta(days=1):
            return
        yield due


def _summarize(
    schedule: Schedule,
    state: ScheduleState,
    last_firing: Firing | None,
    next_due_at: tuple[datetime, ...],
    estimated_seconds: float | None,
) -> ScheduleSummary:
    return ScheduleSummary(
        id=schedule.id,
        project=schedule.project,
        name=schedule.name,
        cron=schedule.cron.expression,
        timezone=schedule.cron.timezone,
        scope=schedule.scope,
        params=dict(schedule.params),
        on_conflict=schedule.on_conflict,
        missed=schedule.missed,
        jitter_seconds=schedule.jitter_seconds,
        delay_seconds=schedule.delay.total_seconds(),
        enabled=schedule.enabled,
        late=None if schedule.late is None else f"{schedule.late:%H:%M}",
        paused_at=state.paused_at,
        paused_by=state.paused_by,
        pause_reason=state.pause_reason,
        next_due_at=next_due_at,
        last_firing=last_firing,
        estimated_seconds=estimated_seconds,
    )
