"""The handlers of workers: the processes that execute runs."""

from msgspec.structs import replace

from solorun.api.state import State
from solorun.http.request import Request
from solorun.http.responses import Response, json_response
from solorun.worker_wire import WorkerList


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


async def drain_worker(state: State, request: Request) -> Response:
    return json_response(await state.service.drain_worker(request.path_params["worker"]))
