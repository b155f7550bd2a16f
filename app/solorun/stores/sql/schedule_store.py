"""SqlScheduleStore: the part of SqlRunStore that concerns schedules."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from solorun.schedule import Firing, ScheduleState
from solorun.schedule_store import ScheduleStore
from solorun.stores.sql import schedules
from solorun.stores.sql.connection import Connection

P = ParamSpec("P")
T = TypeVar("T")


class SqlScheduleStore(ScheduleStore, ABC):
    """Schedules and their firings in a database."""

    @abstractmethod
    async def _write_in_turn(
        self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    @abstractmethod
    async def _read(
        self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    async def register_schedules(self, timings: Mapping[str, str], *, at: datetime) -> None:
        await self._write_in_turn(schedules.register, timings, at)

    async def load_schedule(self, schedule: str, *, at: datetime) -> ScheduleState:
        return await self._read(schedules.load, schedule, at)

    async def pause_schedule(self, schedule: str, *, requested_by: str, reason: str, at: datetime) -> None:
        await self._write_in_turn(schedules.pause, schedule, requested_by, reason, at)

    async def resume_schedule(self, schedule: str, *, at: datetime) -> None:
        await self._write_in_turn(schedules.resume, schedule, at)

    async def record_firing(self, firing: Firing) -> bool:
        return await self._write_in_turn(schedules.record_firing, firing)

    async def list_unsettled_firings(self, *, at: datetime) -> list[Firing]:
        return await self._read(schedules.list_unsettled_firings, at)

    async def settle_firing(self, firing: Firing) -> bool:
        return await self._write_in_turn(schedules.settle_firing, firing)

    async def list_firings(
        self, *, schedule: str | None = None, after: datetime | None = None, limit: int
    ) -> list[Firing]:
        return await self._read(schedules.list_firings, schedule, after, limit)

    async def list_last_firings(self) -> dict[str, Firing]:
        return await self._read(schedules.list_last_firings)

    async def list_schedules(self, *, at: datetime) -> dict[str, ScheduleState]:
        return await self._read(schedules.list_states, at)
