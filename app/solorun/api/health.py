"""Handlers for those who watch over the service: alive, ready, metrics."""

import asyncio
import importlib
from http import HTTPStatus
from typing import Final

from solorun.api.answer import Answer
from solorun.api.problems import NOT_READY_TYPE, PROBLEM_JSON
from solorun.api.request import Request
from solorun.wire import ProblemDetails, ProblemFault, encode

_ALIVE: Final = b'{"status":"alive"}'
_READY: Final = b'{"status":"ready"}'


async def livez(_request: Request) -> Answer:
    """Being able to answer is the answer: the loop turns."""
    return Answer(_ALIVE)


async def readyz(request: Request) -> Answer:
    reasons = request.service.readiness()
    if not reasons:
        return Answer(_READY)
    status = HTTPStatus.SERVICE_UNAVAILABLE
    details = ProblemDetails(
        type=NOT_READY_TYPE,
        title=status.phrase,
        status=status.value,
        detail="The service is not ready: " + "; ".join(reasons),
        instance=f"{request.context.root_path}/readyz",
        errors=tuple(ProblemFault(pointer="", message=reason) for reason in reasons),
    )
    return Answer(encode(details), status=status.value, media_type=PROBLEM_JSON)


async def metrics(request: Request) -> Answer:
    # A tenth of the service's start, for what many never ask: and then not at the loop's cost.
    module = await asyncio.to_thread(importlib.import_module, "solorun.api.metrics")
    return Answer(module.Metrics(request.context).expose(), media_type=module.OPENMETRICS)
