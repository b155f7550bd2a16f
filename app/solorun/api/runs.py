"""Handlers that start, repeat, show, list and cancel runs."""

import heapq
from collections.abc import Awaitable
from functools import partial
from itertools import islice
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from solorun.api.cursors import Cursor, decode_id_cursor, encode_cursor
from solorun.api.path_parameters import RUN_PATH, run_id_of
from solorun.api.rights import check_policy, limit_refusal
from solorun.api.route import route
from solorun.api.start_headers import START_HEADERS, continue_trace, find_key
from solorun.api.state import State
from solorun.errors import (
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    ProjectNotFound,
    QueueFull,
    ResourceBusy,
    RunActive,
    RunNotActive,
    RunNotEnded,
    RunNotFound,
    ServiceDraining,
    StoreUnavailable,
    TooManyProjects,
)
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import Header, Response, json_response
from solorun.http.validation import InvalidMembers
from solorun.idempotency_key import IdempotencyKey
from solorun.queueing import StartResult
from solorun.right import Right
from solorun.run import MAX_RUN_ID, Run
from solorun.runs import Submission, submit_once
from solorun.status import Status
from solorun.wire.runs import CancelRequest, RerunPreview, RerunRequest, RunPage, StartedRun, StartRequest

_PROJECT: Final = "/api/v1/projects/{project}"
STARTED: Final = (
    ResponseSpec(200, "The active run, which this start joins", model=StartedRun),
    ResponseSpec(
        201,
        "The new run, or with `Idempotent-Replayed: true` the run that an earlier request with the same key led to; the"
        " `Location` header has its address",
        model=StartedRun,
    ),
    ResponseSpec(202, "The new run, which is queued", model=StartedRun),
)
NOT_STARTED: Final = (
    *(ProjectNotFound, RunNotFound, RunActive, ResourceBusy),
    *(QueueFull, IdempotencyKeyReused, ServiceDraining, StoreUnavailable),
)
_RUN_PAGE: Final = ResponseSpec(200, "A page of runs; the `Link` header points to the next one", model=RunPage)
_STATUS_OF: Final = {StartResult.JOINED: 200, StartResult.STARTED: 201, StartResult.QUEUED: 202}


class RunsQuery(msgspec.Struct, forbid_unknown_fields=True):
    status: Annotated[tuple[Status, ...], Meta(description="Only runs with one of these statuses; repeatable.")] = ()
    rerun_of: Annotated[int, Meta(ge=0, le=MAX_RUN_ID, description="Only the reruns of this run.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="The maximum number of runs.")] = 50
    cursor: Cursor | None = None


class RerunQuery(msgspec.Struct, forbid_unknown_fields=True):
    preview: Annotated[bool, Meta(description="Return what the rerun would do, and start nothing.")] = False


@route(
    f"POST {_PROJECT}/runs",
    summary="Start a run, or do what `on_conflict` says if its project or a resource is taken",
    responses=STARTED,
    problems=(*NOT_STARTED, TooManyProjects),
    body=StartRequest,
    right=Right.START,
    headers=START_HEADERS,
)
async def start_run(state: State, request: Request) -> Response:
    continue_trace(request)
    body = await _read_start(state, request)
    project, manager, key = request.path_params["project"], state.service.manager, find_key(request, body)
    caller = body.triggered_by
    if state.is_hosted:  # Without a host application there is nothing to await, and a refused start should be cheap.
        caller = await state.name_caller(request, caller)
        await check_policy(state, request, project, body.on_conflict)
    await state.family_limit.check(project)
    starting = manager.submit_run(
        project,
        scope=body.scope,
        triggered_by=caller,
        params=body.params,
        on_conflict=body.on_conflict,
        key=key,
    )
    return await submit(state, request, project, key, starting)


@route(
    f"POST {RUN_PATH}/rerun",
    summary="Start a run that repeats an ended one, from its beginning or from a step on",
    responses=(*STARTED, ResponseSpec(200, "With `preview`: what the rerun would do", model=RerunPreview)),
    problems=(*NOT_STARTED, RunNotEnded),
    query=RerunQuery,
    body=RerunRequest,
    right=Right.START,
    headers=START_HEADERS,
)
async def rerun(state: State, request: Request) -> Response:
    continue_trace(request)
    run_id = run_id_of(request)
    query: RerunQuery = request.query
    body = await request.read_body(RerunRequest)
    manager, key = state.service.manager, find_key(request, body)
    caller = await state.name_caller(request, body.triggered_by)
    if query.preview:
        preview = await manager.reruns.preview(
            run_id, from_step=body.from_step, triggered_by=caller, params=body.params
        )
        return json_response(preview)
    original = await manager.get_run(run_id)
    await check_policy(state, request, original.project, body.on_conflict)
    starting = manager.reruns.start(
        run_id,
        from_step=body.from_step,
        triggered_by=caller,
        params=body.params,
        on_conflict=body.on_conflict,
        key=key,
    )
    return await submit(state, request, original.project, key, starting)


async def submit(
    state: State, request: Request, project: str, key: IdempotencyKey | None, starting: Awaitable[Submission]
) -> Response:
    """Respond with the run that a start began, queued or joined."""
    try:
        submission = await (starting if key is None else submit_once(state.service.manager, project, key, starting))
    except (RunActive, ResourceBusy) as refusal:
        if not state.is_hosted:
            raise
        raise await limit_refusal(state, request, project, refusal) from None
    run, replayed = submission.run, submission.replayed
    headers = [(b"location", f"{request.root_path}/api/v1/runs/{run.id}".encode("ascii"))]
    if replayed:
        headers.append((b"idempotent-replayed", b"true"))
    faults = state.service.catalog.faults
    started = StartedRun(
        **asdict(run),
        configuration_faults=faults,
        joined=submission.joined,
        replayed=replayed,
        worker_missing=run.waits_for_worker and await state.service.lacks_worker(run.labels),
    )
    return json_response(started, status=_STATUS_OF[submission.result], headers=headers)


async def _read_start(state: State, request: Request) -> StartRequest:
    """Raises InvalidRequest with every error, including those that only the project's declaration reveals."""
    try:
        return await request.read_body(StartRequest)
    except InvalidMembers as invalid:
        more = state.service.manager.admission.find_faults(request.path_params["project"], **asdict(invalid.valid))
        raise InvalidRequest(errors=[*invalid.errors, *more]) from None


@route(
    f"POST {RUN_PATH}/cancel",
    summary="Cancel a run",
    responses=(
        ResponseSpec(200, "The run, which was already cancelled", model=Run),
        ResponseSpec(202, "The run, which stays active until its work has stopped", model=Run),
    ),
    problems=(RunNotFound, RunNotActive, StoreUnavailable),
    body=CancelRequest,
    right=Right.CANCEL,
)
async def cancel_run(state: State, request: Request) -> Response:
    run_id = run_id_of(request)
    body = await request.read_body(CancelRequest)
    caller = await state.name_caller(request, body.requested_by)
    run, accepted = await state.service.manager.cancel_run(
        run_id, requested_by=caller, reason=body.reason, grace_seconds=body.grace_seconds
    )
    return json_response(run, status=202 if accepted else 200)


@route(
    f"GET {RUN_PATH}",
    summary="Get a run",
    responses=(ResponseSpec(200, "The run", model=Run),),
    problems=(RunNotFound, StoreUnavailable),
)
async def get_run(state: State, request: Request) -> Response:
    return json_response(await state.service.manager.get_run(run_id_of(request)))


@route(
    f"GET {_PROJECT}/runs/current",
    summary="Get a project's active run, or its latest run if none is active",
    responses=(ResponseSpec(200, "The run", model=Run),),
    problems=(ProjectNotFound, RunNotFound, StoreUnavailable),
)
async def get_current_run(state: State, request: Request) -> Response:
    return json_response(await state.service.manager.get_current_run(request.path_params["project"]))


@route(
    "GET /api/v1/runs",
    summary="List the runs of all projects, newest first",
    responses=(_RUN_PAGE,),
    problems=(InvalidCursor, StoreUnavailable),
    query=RunsQuery,
)
async def list_runs(state: State, request: Request) -> Response:
    return await _list_runs(state, request, project=None)


@route(
    f"GET {_PROJECT}/runs",
    summary="List a project's runs, newest first",
    responses=(_RUN_PAGE,),
    problems=(ProjectNotFound, InvalidCursor, StoreUnavailable),
    query=RunsQuery,
)
async def list_project_runs(state: State, request: Request) -> Response:
    """Lists the runs of a project that is declared, or that was and still has runs."""
    project = request.path_params["project"]
    service = state.service
    if await service.store.find_latest_run(project) is None:
        service.catalog.get_project(project)
    return await _list_runs(state, request, project=project)


async def _list_runs(state: State, request: Request, *, project: str | None) -> Response:
    query: RunsQuery = request.query
    before_id = None if query.cursor is None else decode_id_cursor(query.cursor)
    load_runs = partial(
        state.service.store.list_runs,
        statuses=query.status,
        rerun_of=query.rerun_of,
        before_id=before_id,
        limit=query.limit + 1,  # one more than requested, to see whether there is a next page
    )
    permissions = state.permissions_of(request)
    if project is not None or not permissions.are_limited:
        runs = await load_runs(project=project)
    else:
        known = await state.service.store.list_project_names()
        lists = [await load_runs(project=name) for name in await permissions.find_visible(known)]
        runs = list(islice(heapq.merge(*lists, key=lambda run: -run.id), query.limit + 1))
    has_more = len(runs) > query.limit
    # Only the engine knows the place of a queued run in the queue; the store does not.
    runs = [state.service.manager.with_queue_position(run) for run in runs[: query.limit]]
    cursor = encode_cursor(str(runs[-1].id)) if has_more else None
    page = RunPage(runs=tuple(runs), next_cursor=cursor)
    async with state.turns.take(request.scope):
        return json_response(page, headers=_link_header(request, query, cursor))


def _link_header(request: Request, query: RunsQuery, cursor: str | None) -> list[Header]:
    if cursor is None:
        return []
    members: list[tuple[str, Any]] = [("status", status.value) for status in query.status]
    if query.rerun_of is not None:
        members.append(("rerun_of", query.rerun_of))
    members += [("limit", query.limit), ("cursor", cursor)]
    address = f"{request.root_path}{quote(request.path)}?{urlencode(members)}"
    return [(b"link", f'<{address}>; rel="next"'.encode("ascii"))]
