"""Chooses how a delivery is sent: by the kind of its target."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from solorun.notification import NotifyTarget, TargetKind
from solorun.notifications.apprise import AppriseSender
from solorun.notifications.cloud_event import decode_cloud_event
from solorun.notifications.not_delivered import NotDelivered
from solorun.store import ClaimedDelivery

if TYPE_CHECKING:
    from solorun.notifications.webhook import WebhookSender


class TargetSender:
    """Sends to the targets as declared. The service's `environ` has the variables that they name."""

    def __init__(self, environ: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._environ = environ
        self._now = now
        self._apprise = AppriseSender(environ)
        self._webhook: WebhookSender | None = None

    async def send(
        self, target: NotifyTarget, claimed: ClaimedDelivery, payload: bytes, trace: Mapping[str, str]
    ) -> None:
        """Raises NotDelivered. Apprise sends no headers."""
        if missing := target.find_missing_variables(self._environ):
            raise NotDelivered(f"the variable {missing[0]} is not set")
        match target.kind:
            case TargetKind.APPRISE:
                event = decode_cloud_event(payload)
                await self._apprise.send(target, claimed.delivery.event, event.data.title, event.data.text)
            case TargetKind.WEBHOOK:
                if self._webhook is None:
                    self._webhook = await asyncio.to_thread(self._load_webhook)
                timestamp = int(self._now().timestamp())
                message_id = claimed.delivery.message_id
                await self._webhook.send(target, message_id, payload, timestamp=timestamp, trace=trace)

    def _load_webhook(self) -> "WebhookSender":
        from solorun.notifications.webhook import WebhookSender

        return WebhookSender(self._environ)
