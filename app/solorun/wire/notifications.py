"""The structures on the wire that concern notifications."""

from typing import Any

import msgspec

from solorun.notification import Delivery, NotifyEvent, TargetKind


class DeliveryDetails(Delivery, frozen=True):
    """A delivery with the CloudEvent that its attempts have sent, None before the first."""

    payload: dict[str, Any] | None = None


class DeliveryPage(msgspec.Struct, frozen=True):
    """Deliveries, newest first. `next_cursor` is None on the last page."""

    deliveries: tuple[Delivery, ...]
    next_cursor: str | None


class NotifyTargetSummary(msgspec.Struct, frozen=True):
    """A notification target as declared, without its URL, and what is on its way to it.

    `projects` are the projects and patterns that name it. Nothing can be sent while one of `missing_variables`, which
    the target names, is not set in the service's environment.
    """

    name: str
    kind: TargetKind
    on: tuple[NotifyEvent, ...]
    allow_private: bool
    missing_variables: tuple[str, ...]
    projects: tuple[str, ...]
    pending_count: int
    last_delivery: Delivery | None


class NotifyTargetList(msgspec.Struct, frozen=True):
    targets: tuple[NotifyTargetSummary, ...]
