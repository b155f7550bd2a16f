"""The contract of the outbox: deliveries of notifications, durable like the runs they are about.

The transaction that ends a run also writes its deliveries, so none is lost. Any process may send them. It first claims
them for a while, so that two processes rarely send the same one; if it dies, another one claims them afterwards.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from solorun.notification import Delivery, DeliveryStatus, NewNotification

GIVE_UP_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery to send now. `payload` is what earlier attempts have sent, None before the first."""

    delivery: Delivery
    payload: bytes | None
    claim: str
    traceparent: str | None = None
    """Of the span of the run that it is about, if that was traced."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What came of an attempt. `error` is None if the target has accepted the payload.

    A failed delivery is due again at `retry_at`, or given up if that is later than GIVE_UP_AFTER the first attempt.
    """

    at: datetime
    payload: bytes
    error: str | None
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries to list. None selects all."""

    target: str | None = None
    status: DeliveryStatus | None = None
    project: str | None = None
    run_id: int | None = None


class Outbox(Protocol):
    """The deliveries, from all processes that use the database."""

    async def add_notification(self, new: NewNotification, targets: Collection[str]) -> list[Delivery]:
        """Add a delivery for each target, due immediately. A key that was added before adds none."""

    async def list_due_targets(self, *, at: datetime) -> list[str]:
        """The targets with a delivery that can be claimed."""

    async def claim_deliveries(
        self, target: str, *, owner: str, at: datetime, until: datetime, limit: int
    ) -> list[ClaimedDelivery]:
        """Claim deliveries of the target that are due, those due longest first, until `until`."""

    async def release_deliveries(self, owner: str | None) -> None:
        """End the claims of this owner, or of every owner: the deliveries are due now."""

    async def record_attempt(self, claimed: ClaimedDelivery, result: AttemptResult) -> Delivery | None:
        """Record an attempt. Returns the delivery, or None, and changes nothing, if the claim has been lost."""

    async def get_delivery(self, delivery_id: int) -> tuple[Delivery, bytes | None]:
        """The delivery, and its payload if it was tried. Raises DeliveryNotFound."""

    async def list_deliveries(
        self, selected: DeliveryFilter, *, before_id: int | None = None, limit: int = 50
    ) -> list[Delivery]:
        """Deliveries with smaller ids than `before_id`, newest first."""

    async def redeliver(self, delivery_id: int) -> Delivery:
        """Make a delivery due now, whatever its status. It is tried for another day. Raises DeliveryNotFound."""

    async def count_pending_deliveries(self) -> Mapping[str, int]:
        """How many deliveries each target has pending; targets without any are left out."""

    async def give_up_deliveries(self, target: str, *, occurred_before: datetime, at: datetime, error: str) -> int:
        """Give up the pending deliveries of a target that is not declared. Returns how many it has given up."""

    async def delete_deliveries(self, *, finished_before: datetime, limit: int = 500) -> int:
        """Delete deliveries that were delivered or given up. Returns how many it has deleted."""
