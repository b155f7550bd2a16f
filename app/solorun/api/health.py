"""Handlers for those who watch over the service: alive, ready, metrics."""

import asyncio
import importlib
from http import HTTPStatus
from typing import Final

from solorun.http.problems import NOT_READY_TYPE, PROBLEM_JSON
from solorun.http.request import Request
from solorun.http.responses import Response
from solorun.wire import ProblemDetails, ProblemFieldError, encode

_ALIVE: Final = b'{"status":"alive"}'
_READY: Final = b'{"status":"ready"}'


async def livez(_request: Request) -> Response:
    """Being able to answer is the answer: the loop turns."""
    return Response(_ALIVE)


async def readyz(request: Request) -> Response:
    reasons = request.service.readiness()
    if not reasons:
        return Response(_READY)
    status = HTTPStatus.SERVICE_UNAVAILABLE
    details = ProblemDetails(
        type=NOT_READY_TYPE,
        title=status.phrase,
        status=status.value,
        detail="The service is not ready: " + "; ".join(reasons),
        instance=f"{request.context.root_path}/readyz",
        errors=tuple(ProblemFieldError(pointer="", message=reason) for reason in reasons),
    )
    return Response(encode(details), status=status.value, media_type=PROBLEM_JSON)


async def metrics(request: Request) -> Response:
    # A tenth of the service's start, for what many never ask: and then not at the loop's cost.
    module = await asyncio.to_thread(importlib.import_module, "solorun.api.metrics")
    return Response(module.Metrics(request.context).expose(), media_type=module.OPENMETRICS)
