"""The routes that concern notifications: targets and deliveries."""

from functools import partial
from typing import Final

from solorun.api import notifications
from solorun.api.state import State
from solorun.errors import DeliveryNotFound, InvalidCursor, NotifyTargetNotFound, StoreUnavailable
from solorun.http.operation import Operation, ResponseSpec
from solorun.notification import Delivery
from solorun.notification_wire import DeliveryDetails, DeliveryPage, NotifyTargetList
from solorun.right import Right

_V1: Final = "/api/v1"
_DELIVERY: Final = f"{_V1}/deliveries/{{delivery_id}}"
_Operation: Final[partial[Operation[State]]] = partial(Operation, tag="notifications", right=Right.ADMIN)

NOTIFICATION_OPERATIONS: Final[tuple[Operation[State], ...]] = (
    _Operation(
        f"GET {_V1}/deliveries",
        notifications.list_deliveries,
        summary="List the deliveries of notifications, newest first",
        responses=(ResponseSpec(200, "A page of deliveries", model=DeliveryPage),),
        problems=(InvalidCursor, StoreUnavailable),
        query=notifications.DeliveriesQuery,
    ),
    _Operation(
        f"GET {_DELIVERY}",
        notifications.get_delivery,
        summary="Get a delivery, with what it has sent",
        responses=(ResponseSpec(200, "The delivery", model=DeliveryDetails),),
        problems=(DeliveryNotFound, StoreUnavailable),
    ),
    _Operation(
        f"POST {_DELIVERY}/redeliver",
        notifications.redeliver,
        summary="Send a delivery again, whatever its status",
        responses=(ResponseSpec(202, "The delivery, which is pending", model=Delivery),),
        problems=(DeliveryNotFound, NotifyTargetNotFound, StoreUnavailable),
    ),
    _Operation(
        f"GET {_V1}/notify",
        notifications.list_notify_targets,
        summary="List the notification targets, with the projects that name them",
        responses=(ResponseSpec(200, "The targets", model=NotifyTargetList),),
        problems=(StoreUnavailable,),
    ),
    _Operation(
        f"POST {_V1}/notify/{{target}}/test",
        notifications.test_notify_target,
        summary="Send a test message to a notification target",
        responses=(ResponseSpec(202, "The delivery of the message, which is pending", model=Delivery),),
        problems=(NotifyTargetNotFound, StoreUnavailable),
    ),
)
