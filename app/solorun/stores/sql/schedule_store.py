"""The contract of `schedule_store.py` over SQL."""

from collections.abc import Collection, Mapping
from datetime import datetime

from solorun.notification import NewNotification
from solorun.schedule import Firing, ScheduleState
from solorun.schedule_store import ScheduleStore
from solorun.stores.sql import schedules
from solorun.stores.sql.transactions import SqlTransactions


class SqlScheduleStore(SqlTransactions, ScheduleStore):
    async def register_schedules(self, timings: Mapping[str, str], *, at: datetime) -> None:
        await self._write_in_turn(schedules.register, timings, at)

    async def load_schedule(self, schedule: str, *, at: datetime) -> ScheduleState:
        return await self._read(schedules.load, schedule, at)

    async def pause_schedule(self, schedule: str, *, requested_by: str, reason: str, at: datetime) -> bool:
        return await self._write_in_turn(schedules.pause, schedule, requested_by, reason, at)

    async def resume_schedule(self, schedule: str, *, at: datetime) -> None:
        await self._write_in_turn(schedules.resume, schedule, at)

    async def end_lateness(self, schedule: str) -> None:
        await self._write_in_turn(schedules.end_lateness, schedule)

    async def record_firing(self, firing: Firing) -> bool:
        return await self._write_in_turn(schedules.record_firing, firing)

    async def list_unsettled_firings(self, *, at: datetime) -> list[Firing]:
        return await self._read(schedules.list_unsettled_firings, at)

    async def settle_firings(
        self, firings: Collection[Firing], *, news: NewNotification | None = None, targets: Collection[str] = ()
    ) -> list[Firing]:
        return await self._write_in_turn(schedules.settle_firings, firings, news, targets)

    async def list_firings(
        self, *, schedule: str | None = None, after: datetime | None = None, limit: int
    ) -> list[Firing]:
        return await self._read(schedules.list_firings, schedule, after, limit)

    async def list_last_firings(self) -> dict[str, Firing]:
        return await self._read(schedules.list_last_firings)

    async def list_schedules(self, *, at: datetime) -> dict[str, ScheduleState]:
        return await self._read(schedules.list_states, at)
