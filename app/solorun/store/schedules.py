"""The part of the store's contract that is about schedules: their state, and one row for each due time."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from solorun.notification import NewNotification
from solorun.schedule import Firing, ScheduleState


class ScheduleStore(Protocol):
    """The state of schedules, by their ids, and their firings.

    The firing of a due time is recorded once, by whichever service comes first: `RunStore.insert_run` records one with
    the run that it starts. How the run ends is recorded in the firing, in the same transaction, so that the firing can
    outlive the run. A manual run has a firing too, which changes nothing about due times and may be recorded while the
    schedule is paused. The newest MAX_FIRINGS of a schedule are kept, and as many manual ones.
    """

    async def register_schedules(self, timings: Mapping[str, str], *, at: datetime) -> None:
        """Declare all schedules with their timings. One that is new, or whose timing has changed, begins `at`.

        If one was to begin later, because a clock was wrong, it begins `at` too.
        """

    async def load_schedule(self, schedule: str, *, at: datetime) -> ScheduleState:
        """The state of a schedule, given that it is `at`. Firings that are due later do not count: a clock was wrong.

        Raises ScheduleNotFound if it was never registered.
        """

    async def pause_schedule(self, schedule: str, *, requested_by: str, reason: str, at: datetime) -> bool:
        """Start no more runs for it. False, and changes nothing, if it is paused already. Raises ScheduleNotFound."""

    async def resume_schedule(self, schedule: str, *, at: datetime) -> None:
        """End the pause. What was due until then has been handled. Raises ScheduleNotFound."""

    async def end_lateness(self, schedule: str) -> None:
        """Let the schedule be reported late again, though it has not completed: a person has dealt with it."""

    async def record_firing(self, firing: Firing) -> bool:
        """Record a due time, or a manual start, without a new run. False if the due time was recorded before, or if
        the schedule is paused.
        """

    async def list_unsettled_firings(self, *, at: datetime) -> list[Firing]:
        """The firings whose `late_at` has passed and that are not settled, with whether they are `late`.

        A firing is not late if its run, or a rerun of that, completed before `late_at`.
        """

    async def settle_firings(
        self, firings: Collection[Firing], *, news: NewNotification | None = None, targets: Collection[str] = ()
    ) -> list[Firing]:
        """Record which firings of a schedule are `late`. Returns those for which that was not recorded before.

        If one of these is late, adds `news` to the outbox, unless news was added before and neither a run of the
        schedule nor a rerun has completed since. A schedule that begins afresh can be reported again.
        """

    async def list_firings(
        self, *, schedule: str | None = None, after: datetime | None = None, limit: int
    ) -> list[Firing]:
        """Firings that are due after `after`, newest first."""

    async def list_last_firings(self) -> dict[str, Firing]:
        """The firing of each schedule that was recorded last."""

    async def list_schedules(self, *, at: datetime) -> dict[str, ScheduleState]:
        """The state of each registered schedule."""
