"""The routes of schedules."""

from functools import partial
from typing import Final

from solorun.api import schedules
from solorun.api.run_routes import NOT_STARTED, START_HEADERS, STARTED
from solorun.api.state import State
from solorun.errors import ScheduleNotFound, StoreUnavailable
from solorun.http.operation import Operation, ResponseSpec
from solorun.right import Right
from solorun.schedule import ScheduleSummary
from solorun.schedule_wire import FiringList, PauseRequest, ResumeRequest, RunScheduleRequest, ScheduleList

_SCHEDULES: Final = "/api/v1/schedules"
_SCHEDULE: Final = f"{_SCHEDULES}/{{schedule}}"
_Operation: Final[partial[Operation[State]]] = partial(Operation, tag="schedules")

SCHEDULE_OPERATIONS: Final[tuple[Operation[State], ...]] = (
    _Operation(
        f"GET {_SCHEDULES}",
        schedules.list_schedules,
        summary="List the schedules with their next due times",
        responses=(ResponseSpec(200, "The schedules", model=ScheduleList),),
        problems=(StoreUnavailable,),
        query=schedules.SchedulesQuery,
    ),
    _Operation(
        "GET /api/v1/firings",
        schedules.list_firings,
        summary="List what became of the due times and manual runs of schedules, newest first",
        responses=(ResponseSpec(200, "The firings", model=FiringList),),
        problems=(StoreUnavailable,),
        query=schedules.FiringsQuery,
    ),
    _Operation(
        f"POST {_SCHEDULE}/pause",
        schedules.pause_schedule,
        summary="Start no more runs of a schedule until it is resumed",
        responses=(ResponseSpec(200, "The schedule", model=ScheduleSummary),),
        problems=(ScheduleNotFound, StoreUnavailable),
        body=PauseRequest,
        right=Right.START,
    ),
    _Operation(
        f"POST {_SCHEDULE}/resume",
        schedules.resume_schedule,
        summary="Resume a paused schedule, without catching up",
        responses=(ResponseSpec(200, "The schedule", model=ScheduleSummary),),
        problems=(ScheduleNotFound, StoreUnavailable),
        body=ResumeRequest,
        right=Right.START,
    ),
    _Operation(
        f"POST {_SCHEDULE}/run",
        schedules.run_schedule,
        summary="Start a run of a schedule now, with its scope and parameters, even if it is paused or not enabled",
        responses=STARTED,
        problems=(ScheduleNotFound, *NOT_STARTED),
        body=RunScheduleRequest,
        right=Right.START,
        headers=START_HEADERS,
    ),
)
