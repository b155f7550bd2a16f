"""Handlers for monitoring: liveness, readiness, metrics."""

import asyncio
import importlib
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Final, TypeVar

from solorun.api.problems import PROBLEM_JSON, UNTYPED
from solorun.api.state import State
from solorun.errors import StoreFailure, StoreUnavailable
from solorun.http.request import Request
from solorun.http.responses import Response
from solorun.wire import ProblemDetails, ProblemFieldError, encode

T = TypeVar("T")

_ALIVE: Final = b'{"status":"alive"}'
_READY: Final = b'{"status":"ready"}'


async def livez(_state: State, _request: Request) -> Response:
    """Any response shows that the event loop is running."""
    return Response(_ALIVE)


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
