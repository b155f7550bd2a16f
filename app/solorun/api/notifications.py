"""Handlers that show the notification targets and the deliveries to them, and send again or for a test."""

from functools import partial
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from solorun.api.cursors import Cursor, decode_id_cursor, encode_cursor
from solorun.api.path_parameters import parse_id
from solorun.api.route import route
from solorun.api.state import State
from solorun.engine import now
from solorun.errors import DeliveryNotFound, InvalidCursor, NotifyTargetNotFound, StoreUnavailable
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import Response, json_response
from solorun.notification import Delivery, DeliveryStatus, NewNotification, NotifyEvent, NotifyTarget
from solorun.right import Right
from solorun.run import MAX_RUN_ID
from solorun.store import DeliveryFilter
from solorun.wire.notifications import DeliveryDetails, DeliveryPage, NotifyTargetList, NotifyTargetSummary

_DELIVERY: Final = "/api/v1/deliveries/{delivery_id}"
_route: Final = partial(route, tag="notifications", right=Right.ADMIN)


class DeliveriesQuery(msgspec.Struct, forbid_unknown_fields=True):
    target: Annotated[str, Meta(description="Only deliveries to this target.")] | None = None
    status: Annotated[DeliveryStatus, Meta(description="Only deliveries with this status.")] | None = None
    project: Annotated[str, Meta(description="Only news about this project.")] | None = None
    run_id: Annotated[int, Meta(ge=0, le=MAX_RUN_ID, description="Only news about this run.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="The maximum number of deliveries.")] = 50
    cursor: Cursor | None = None


@_route(
    "GET /api/v1/deliveries",
    summary="List the deliveries of notifications, newest first",
    responses=(ResponseSpec(200, "A page of deliveries", model=DeliveryPage),),
    problems=(InvalidCursor, StoreUnavailable),
    query=DeliveriesQuery,
)
async def list_deliveries(state: State, request: Request) -> Response:
    query: DeliveriesQuery = request.query
    before_id = None if query.cursor is None else decode_id_cursor(query.cursor)
    selected = DeliveryFilter(query.target, query.status, query.project, query.run_id)
    # One more than requested, to see whether there is a next page.
    found = await state.service.store.list_deliveries(selected, before_id=before_id, limit=query.limit + 1)
    page = tuple(found[: query.limit])
    return json_response(DeliveryPage(page, encode_cursor(str(page[-1].id)) if len(found) > query.limit else None))


@_route(
    f"GET {_DELIVERY}",
    summary="Get a delivery, with what it has sent",
    responses=(ResponseSpec(200, "The delivery", model=DeliveryDetails),),
    problems=(DeliveryNotFound, StoreUnavailable),
)
async def get_delivery(state: State, request: Request) -> Response:
    delivery, payload = await state.service.store.get_delivery(_delivery_id_of(request))
    content: dict[str, Any] | None = msgspec.json.decode(payload, type=dict[str, Any]) if payload else None
    return json_response(DeliveryDetails(**asdict(delivery), payload=content))


@_route(
    f"POST {_DELIVERY}/redeliver",
    summary="Send a delivery again, whatever its status",
    responses=(ResponseSpec(202, "The delivery, which is pending", model=Delivery),),
    problems=(DeliveryNotFound, NotifyTargetNotFound, StoreUnavailable),
)
async def redeliver(state: State, request: Request) -> Response:
    delivery, _ = await state.service.store.get_delivery(_delivery_id_of(request))
    _check_declared(state, delivery.target)
    delivery = await state.service.store.redeliver(delivery.id)
    state.service.notifier.wake()
    return json_response(delivery, status=202)


@_route(
    "GET /api/v1/notify",
    summary="List the notification targets, with the projects that name them",
    responses=(ResponseSpec(200, "The targets", model=NotifyTargetList),),
    problems=(StoreUnavailable,),
)
async def list_notify_targets(state: State, _request: Request) -> Response:
    service = state.service
    pending = await service.store.count_pending_deliveries()
    targets = service.catalog.configuration.targets
    return json_response(
        NotifyTargetList(tuple([await _summarize(state, each, pending.get(each.name, 0)) for each in targets.values()]))
    )


@_route(
    "POST /api/v1/notify/{target}/test",
    summary="Send a test message to a notification target",
    responses=(ResponseSpec(202, "The delivery of the message, which is pending", model=Delivery),),
    problems=(NotifyTargetNotFound, StoreUnavailable),
)
async def test_notify_target(state: State, request: Request) -> Response:
    """Adds a delivery like any other, so that it takes the same way."""
    service, name = state.service, request.path_params["target"]
    _check_declared(state, name)
    at = now()
    test = NewNotification(NotifyEvent.TEST, "", f"{at:%Y%m%dT%H%M%S.%f}", at)
    (delivery,) = await service.store.add_notification(test, [name])
    service.notifier.wake()
    return json_response(delivery, status=202)


async def _summarize(state: State, target: NotifyTarget, pending: int) -> NotifyTargetSummary:
    service, declared = state.service, state.service.catalog.configuration
    latest = await service.store.list_deliveries(DeliveryFilter(target=target.name), limit=1)
    named = {**declared.projects, **{family.pattern: family.template for family in declared.families}}
    return NotifyTargetSummary(
        name=target.name,
        kind=target.kind,
        on=target.events,
        allow_private=target.allow_private,
        missing_variables=tuple(target.find_missing_variables(service.notifier.environ)),
        projects=tuple(name for name, project in named.items() if target in project.notify),
        pending_count=pending,
        last_delivery=latest[0] if latest else None,
    )


def _check_declared(state: State, target: str) -> None:
    """Raises NotifyTargetNotFound."""
    if target not in state.service.catalog.configuration.targets:
        raise NotifyTargetNotFound(f'No notification target "{target[:100]}" is declared.')


def _delivery_id_of(request: Request) -> int:
    """Raises DeliveryNotFound."""
    return parse_id(request.path_params["delivery_id"], DeliveryNotFound)
