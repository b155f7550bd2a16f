"""Handlers that pin runs, and delete those that projects no longer keep."""

from typing import Annotated

import msgspec
from msgspec import Meta

from solorun.api.path_parameters import RUN_PATH, run_id_of
from solorun.api.route import route
from solorun.api.state import State
from solorun.errors import ProjectNotFound, RunNotFound, StoreUnavailable
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import Response, json_response
from solorun.right import Right
from solorun.run import Run
from solorun.wire.runs import PruneReport


class PruneQuery(msgspec.Struct, forbid_unknown_fields=True):
    project: Annotated[str, Meta(description="Only the runs of this project.")] | None = None
    dry_run: Annotated[bool, Meta(description="Return what would be deleted, and delete nothing.")] = False


@route(
    f"POST {RUN_PATH}/pin",
    summary="Pin a run, so that it is never deleted",
    responses=(ResponseSpec(200, "The run", model=Run),),
    problems=(RunNotFound, StoreUnavailable),
    right=Right.START,
)
async def pin_run(state: State, request: Request) -> Response:
    return json_response(await state.service.manager.set_pinned(run_id_of(request), True))


@route(
    f"DELETE {RUN_PATH}/pin",
    summary="Unpin a run",
    responses=(ResponseSpec(200, "The run", model=Run),),
    problems=(RunNotFound, StoreUnavailable),
    right=Right.START,
)
async def unpin_run(state: State, request: Request) -> Response:
    return json_response(await state.service.manager.set_pinned(run_id_of(request), False))


@route(
    "POST /api/v1/prune",
    summary="Delete the ended runs that their projects no longer keep",
    responses=(
        ResponseSpec(200, "With `dry_run`: what would be deleted", model=PruneReport),
        ResponseSpec(202, "What is being deleted", model=PruneReport),
    ),
    problems=(ProjectNotFound, StoreUnavailable),
    query=PruneQuery,
    right=Right.ADMIN,
)
async def prune(state: State, request: Request) -> Response:
    """Deleting may take minutes: it goes on after the response."""
    query: PruneQuery = request.query
    pruner = state.service.pruner
    report = await pruner.plan(query.project, dry_run=query.dry_run)
    if query.dry_run:
        return json_response(report)
    pruner.request(query.project)
    return json_response(report, status=202)
