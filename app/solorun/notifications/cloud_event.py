"""The payload of a delivery: a CloudEvent 1.0 in structured JSON, with the message for a person in its data."""

from datetime import datetime
from typing import Final

import msgspec

from solorun.notification import Delivery, NotifyEvent
from solorun.notifications.message import Message
from solorun.run import Run

MEDIA_TYPE: Final = "application/cloudevents+json; charset=utf-8"
TYPE_PREFIX: Final = "solorun.run."


class EventData(msgspec.Struct, frozen=True):
    """`run` is None if it has been deleted, or if the event is about none. Its secrets are masked."""

    event: NotifyEvent
    project: str
    run_id: int | None
    title: str
    text: str
    error_lines: tuple[str, ...]
    url: str | None
    run: Run | None


class CloudEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """`type` is `solorun.run.failed` and the like. `source` is the project's address in the API, that of the target for
    a test."""

    specversion: str
    id: str
    source: str
    type: str
    time: datetime
    datacontenttype: str
    data: EventData
    subject: str | None = None


decode_cloud_event: Final = msgspec.json.Decoder(CloudEvent).decode


def encode_cloud_event(delivery: Delivery, message: Message, run: Run | None, *, public_url: str | None) -> bytes:
    about = f"projects/{delivery.project}" if delivery.project else f"notify/{delivery.target}"
    event = CloudEvent(
        specversion="1.0",
        id=delivery.message_id,
        source=f"{public_url or ''}/api/v1/{about}",
        type=f"{TYPE_PREFIX}{delivery.event}",
        time=delivery.occurred_at,
        datacontenttype="application/json",
        data=EventData(
            event=delivery.event,
            project=delivery.project,
            run_id=delivery.run_id,
            title=message.title,
            text=message.text,
            error_lines=message.error_lines,
            url=message.url,
            run=run,
        ),
        subject=None if delivery.run_id is None else f"runs/{delivery.run_id}",
    )
    return msgspec.json.encode(event)
