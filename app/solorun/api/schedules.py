"""The handlers of schedules: what is due next, what became of earlier due times, pauses, and runs that are not due."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from solorun.api.rights import check_policy
from solorun.api.route import route
from solorun.api.runs import NOT_STARTED, STARTED, submit
from solorun.api.start_headers import START_HEADERS, continue_trace, find_key
from solorun.api.state import State
from solorun.errors import FieldError, InvalidRequest, ScheduleNotFound, StoreUnavailable
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import Response, json_response
from solorun.right import Right
from solorun.schedule import ScheduleSummary, project_of
from solorun.wire.schedules import FiringList, PauseRequest, ResumeRequest, RunScheduleRequest, ScheduleList

_SCHEDULE: Final = "/api/v1/schedules/{schedule}"
_route: Final = partial(route, tag="schedules")


class SchedulesQuery(msgspec.Struct, forbid_unknown_fields=True):
    project: Annotated[str, Meta(description="Only the schedules of this project.")] | None = None
    next: Annotated[
        int,
        Meta(
            ge=1,
            le=300,
            description="The maximum number of due times per schedule. After the first 3, only those within 24 hours.",
        ),
    ] = 3


class FiringsQuery(msgspec.Struct, forbid_unknown_fields=True):
    schedule: Annotated[str, Meta(description="Only the firings of this schedule.")] | None = None
    after: Annotated[datetime, Meta(tz=True, description="Only firings that were due after this time.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="The maximum number of firings.")] = 100


@_route(
    "GET /api/v1/schedules",
    summary="List the schedules with their next due times",
    responses=(ResponseSpec(200, "The schedules", model=ScheduleList),),
    problems=(StoreUnavailable,),
    query=SchedulesQuery,
)
async def list_schedules(state: State, request: Request) -> Response:
    query: SchedulesQuery = request.query
    found = await state.service.schedules.list_all(project=query.project, count=query.next)
    visible = await state.permissions_of(request).find_visible({each.project for each in found})
    return json_response(ScheduleList(tuple(each for each in found if each.project in visible)))


@_route(
    "GET /api/v1/firings",
    summary="List the firings of schedules, newest first: the result of each due time or manual run",
    responses=(ResponseSpec(200, "The firings", model=FiringList),),
    problems=(StoreUnavailable,),
    query=FiringsQuery,
)
async def list_firings(state: State, request: Request) -> Response:
    query: FiringsQuery = request.query
    try:
        after = query.after and query.after.astimezone(UTC)
    except OverflowError:
        raise InvalidRequest(errors=[FieldError("?after", "is beyond the calendar")]) from None
    found = await state.service.store.list_firings(schedule=query.schedule, after=after, limit=query.limit + 1)
    visible = await state.permissions_of(request).find_visible({each.project for each in found})
    shown = tuple(each for each in found[: query.limit] if each.project in visible)
    return json_response(FiringList(shown, truncated=len(found) > query.limit))


@_route(
    f"POST {_SCHEDULE}/pause",
    summary="Pause a schedule: it starts no runs until it is resumed",
    responses=(ResponseSpec(200, "The schedule", model=ScheduleSummary),),
    problems=(ScheduleNotFound, StoreUnavailable),
    body=PauseRequest,
    right=Right.START,
)
async def pause_schedule(state: State, request: Request) -> Response:
    body = await request.read_body(PauseRequest)
    schedule, caller = request.path_params["schedule"], await state.name_caller(request, body.requested_by)
    paused = await state.service.schedules.pause(schedule, requested_by=caller, reason=body.reason)
    return json_response(paused)


@_route(
    f"POST {_SCHEDULE}/resume",
    summary="Resume a paused schedule, without catching up",
    responses=(ResponseSpec(200, "The schedule", model=ScheduleSummary),),
    problems=(ScheduleNotFound, StoreUnavailable),
    body=ResumeRequest,
    right=Right.START,
)
async def resume_schedule(state: State, request: Request) -> Response:
    body = await request.read_body(ResumeRequest)
    caller = await state.name_caller(request, body.requested_by)
    resumed = await state.service.schedules.resume(request.path_params["schedule"], requested_by=caller)
    return json_response(resumed)


@_route(
    f"POST {_SCHEDULE}/run",
    summary="Start a run of a schedule now, with its scope and parameters, even if it is paused or not enabled",
    responses=STARTED,
    problems=(ScheduleNotFound, *NOT_STARTED),
    body=RunScheduleRequest,
    right=Right.START,
    headers=START_HEADERS,
)
async def run_schedule(state: State, request: Request) -> Response:
    continue_trace(request)
    body = await request.read_body(RunScheduleRequest)
    schedule, key = request.path_params["schedule"], find_key(request, body)
    project = project_of(schedule)
    await check_policy(state, request, project, body.on_conflict)
    caller = await state.name_caller(request, body.triggered_by)
    starting = state.service.schedules.run(schedule, triggered_by=caller, on_conflict=body.on_conflict, key=key)
    return await submit(state, request, project, key, starting)
