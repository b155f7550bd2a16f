"""The requests of a client that concern schedules."""

from abc import ABC, abstractmethod
from datetime import datetime
from urllib.parse import quote

from solorun.client.reconnects import OnDisconnect
from solorun.client.transport import Connection
from solorun.queueing import ConflictPolicy
from solorun.schedule import ScheduleSummary
from solorun.wire.encoding import encode
from solorun.wire.runs import StartedRun
from solorun.wire.schedules import FiringList, PauseRequest, ResumeRequest, RunScheduleRequest, ScheduleList


class ScheduleRequests(ABC):
    """The part of `RunClient` that lists, runs, pauses and resumes schedules."""

    _connection: Connection

    async def list_schedules(self, project: str | None = None, *, next_count: int = 3) -> list[ScheduleSummary]:
        """All schedules, or those of a project, each with its next `next_count` due times."""
        query = {"project": project, "next": next_count}
        return list((await self._connection.request("GET", "/schedules", ScheduleList, query=query)).schedules)

    async def list_firings(
        self, schedule: str | None = None, *, after: datetime | None = None, limit: int = 100
    ) -> FiringList:
        """The results of the due times and manual runs of all schedules, or of one, newest first.

        `after` is an aware time.
        """
        query = {"schedule": schedule, "after": None if after is None else after.isoformat(), "limit": limit}
        return await self._connection.request("GET", "/firings", FiringList, query=query)

    async def pause_schedule(self, schedule: str, *, requested_by: str = "client", reason: str = "") -> ScheduleSummary:
        """Start no more runs of the schedule until it is resumed."""
        body = encode(PauseRequest(reason, requested_by))
        return await self._connection.request("POST", f"{_path(schedule)}/pause", ScheduleSummary, body=body)

    async def resume_schedule(self, schedule: str, *, requested_by: str = "client") -> ScheduleSummary:
        """End a pause. What was due during it is not caught up."""
        body = encode(ResumeRequest(requested_by))
        return await self._connection.request("POST", f"{_path(schedule)}/resume", ScheduleSummary, body=body)

    async def run_schedule(
        self,
        schedule: str,
        *,
        triggered_by: str = "client",
        on_conflict: ConflictPolicy | None = None,
        idempotency_key: str | None = None,
        on_retry: OnDisconnect | None = None,
    ) -> StartedRun:
        """Start a run of the schedule now, even if it is paused. `on_conflict` None: as the schedule says.

        What it returns and raises, and how it is repeated, is as for `start_run`.
        """
        body = encode(RunScheduleRequest(triggered_by, on_conflict))
        return await self._start(f"{_path(schedule)}/run", body, idempotency_key, on_retry)

    @abstractmethod
    async def _start(self, path: str, body: bytes, key: str | None, on_retry: OnDisconnect | None) -> StartedRun:
        """Send a start until it is answered."""


def _path(schedule: str) -> str:
    return f"/schedules/{quote(schedule, safe='')}"
