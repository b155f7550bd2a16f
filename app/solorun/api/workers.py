"""The handlers of workers: the processes that execute runs."""

from msgspec.structs import replace

from solorun.api.route import route
from solorun.api.state import State
from solorun.errors import StoreUnavailable, WorkerNotDrainable, WorkerNotFound
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import Response, json_response
from solorun.right import Right
from solorun.wire.workers import WorkerList
from solorun.worker import WorkerStatus


@route(
    "GET /api/v1/workers",
    summary="List the processes that execute runs, and the runs that wait for one",
    responses=(ResponseSpec(200, "The workers", model=WorkerList),),
    problems=(StoreUnavailable,),
    tag="workers",
)
async def list_workers(state: State, request: Request) -> Response:
    service, permissions = state.service, state.permissions_of(request)
    found = await service.list_workers()
    active = service.manager.list_active_runs()
    visible = await permissions.find_visible({run.project for run in active})
    if permissions.are_limited:
        shown = {run.id for run in active if run.project in visible}
        found = [replace(worker, runs=tuple(run for run in worker.runs if run in shown)) for worker in found]
    waiting = (run for run in active if run.waits_for_worker and run.project in visible)
    return json_response(
        WorkerList(tuple(found), tuple(sorted(waiting, key=lambda run: run.id)), service.shares_database)
    )


@route(
    "POST /api/v1/workers/{worker}/drain",
    summary="Drain a worker, so that it takes no new runs",
    responses=(ResponseSpec(200, "The worker", model=WorkerStatus),),
    problems=(WorkerNotFound, WorkerNotDrainable, StoreUnavailable),
    right=Right.ADMIN,
    tag="workers",
)
async def drain_worker(state: State, request: Request) -> Response:
    return json_response(await state.service.drain_worker(request.path_params["worker"]))
