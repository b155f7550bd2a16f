"""The handler that receives the deliveries of webhooks."""

from typing import Final

from solorun.api.route import route
from solorun.api.start_headers import TRACEPARENT_HEADER, continue_trace
from solorun.api.state import State
from solorun.errors import (
    DeliveryNotVerified,
    HookBusy,
    ProjectNotFound,
    QueueFull,
    ServiceDraining,
    StoreUnavailable,
    TooManyProjects,
)
from solorun.hook import DeliveryOutcome, HookDelivery
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import Response, json_response
from solorun.triggers import Delivery

_STATUSES: Final = {DeliveryOutcome.STARTED: 201, DeliveryOutcome.QUEUED: 202}


@route(
    "POST /hooks/{project}/{hook}",
    summary="Receive a webhook's delivery, verify its signature or token, and start a run",
    responses=(
        ResponseSpec(200, "The delivery joined a run, was received before, or starts none", model=HookDelivery),
        ResponseSpec(201, "The delivery started a run", model=HookDelivery),
        ResponseSpec(202, "The delivery started a run, which is queued", model=HookDelivery),
    ),
    problems=(
        DeliveryNotVerified,
        HookBusy,
        ProjectNotFound,
        QueueFull,
        TooManyProjects,
        ServiceDraining,
        StoreUnavailable,
    ),
    query=None,
    headers=(TRACEPARENT_HEADER,),
    verifies_itself=True,
    tag="hooks",
)
async def receive_delivery(state: State, request: Request) -> Response:
    project, hooks = request.path_params["project"], state.service.hooks
    delivery = Delivery(request.headers, await request.read_bytes())
    try:
        verified = await hooks.verify(project, request.path_params["hook"], delivery)
    except DeliveryNotVerified:
        await state.authorizer.refuse_delivery(request)
    continue_trace(request)
    await state.family_limit.check(project)
    result = await hooks.receive(verified)
    return json_response(result, status=_STATUSES.get(result.outcome, 200))
