"""Handlers that pin runs, and delete those that projects no longer keep."""

from typing import Annotated

import msgspec
from msgspec import Meta

from solorun.api.path_parameters import run_id_of
from solorun.api.state import State
from solorun.http.request import Request
from solorun.http.responses import Response, json_response


class PruneQuery(msgspec.Struct, forbid_unknown_fields=True):
    project: Annotated[str, Meta(description="Only the runs of this project.")] | None = None
    dry_run: Annotated[bool, Meta(description="Return what would be deleted, and delete nothing.")] = False


async def pin_run(state: State, request: Request) -> Response:
    return json_response(await state.service.manager.set_pinned(run_id_of(request), True))


async def unpin_run(state: State, request: Request) -> Response:
    return json_response(await state.service.manager.set_pinned(run_id_of(request), False))


async def prune(state: State, request: Request) -> Response:
    """Deleting may take minutes: it goes on after the response."""
    query: PruneQuery = request.query
    pruner = state.service.pruner
    report = await pruner.plan(query.project, dry_run=query.dry_run)
    if query.dry_run:
        return json_response(report)
    pruner.request(query.project)
    return json_response(report, status=202)
