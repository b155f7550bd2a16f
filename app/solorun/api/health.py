"""Handlers for monitoring: liveness, readiness, metrics."""

import asyncio
import importlib
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Final, TypeVar

from solorun.api.problems import PROBLEM_JSON, UNTYPED
from solorun.api.route import route
from solorun.api.state import State
from solorun.errors import StoreFailure, StoreUnavailable
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import Response
from solorun.right import Right
from solorun.wire.encoding import encode
from solorun.wire.problems import ProblemDetails, ProblemFieldError

T = TypeVar("T")

_ALIVE: Final = b'{"status":"alive"}'
_READY: Final = b'{"status":"ready"}'


@route(
    "GET /livez",
    summary="Liveness probe",
    responses=(ResponseSpec(200, "The service is running"),),
    public=True,
    tag="service",
)
async def livez(_state: State, _request: Request) -> Response:
    """Any response shows that the event loop is running."""
    return Response(_ALIVE)


@route(
    "GET /readyz",
    summary="Readiness probe, with the reasons if the service is not ready",
    responses=(
        ResponseSpec(200, "The service can start runs"),
        ResponseSpec(
            503,
            "The reasons, as a problem of type `about:blank`",
            PROBLEM_JSON.decode(),
            model=ProblemDetails,
        ),
    ),
    public=True,
    tag="service",
)
async def readyz(state: State, request: Request) -> Response:
    reasons = state.service.readiness()
    if not reasons:
        return Response(_READY)
    status = HTTPStatus.SERVICE_UNAVAILABLE
    details = ProblemDetails(
        type=UNTYPED,
        title=status.phrase,
        status=status.value,
        detail="The service is not ready: " + "; ".join(reasons),
        instance=f"{request.root_path}/readyz",
        errors=tuple(ProblemFieldError(pointer="", message=reason) for reason in reasons),
    )
    return Response(encode(details), status=status.value, media_type=PROBLEM_JSON)


@route(
    "GET /metrics",
    summary="Metrics in the OpenMetrics format",
    responses=(ResponseSpec(200, "The metrics", "application/openmetrics-text"),),
    right=Right.ADMIN,
    tag="service",
)
async def metrics(state: State, _request: Request) -> Response:
    # Importing it takes a tenth of the service's start: do so only if needed, and not on the event loop.
    module = await asyncio.to_thread(importlib.import_module, "solorun.api.metrics")
    sessions = await _if_available(state.authorizer.sessions.count())
    workers = await _if_available(state.service.list_workers())
    return Response(module.Metrics(state, sessions, workers).expose(), media_type=module.OPENMETRICS)


async def _if_available(read: Awaitable[T]) -> T | None:
    """None if the store is unavailable."""
    try:
        return await read
    except (StoreUnavailable, StoreFailure):
        return None
