"""The contract of `outbox.py` over SQL."""

from collections.abc import Collection
from datetime import datetime

from solorun.notification import Delivery, NewNotification
from solorun.outbox import AttemptResult, ClaimedDelivery, DeliveryFilter, Outbox
from solorun.stores.sql import outbox
from solorun.stores.sql.transactions import SqlTransactions


class SqlOutbox(SqlTransactions, Outbox):
    async def add_notification(self, new: NewNotification, targets: Collection[str]) -> list[Delivery]:
        return await self._write(outbox.add_notification, new, targets)

    async def list_due_targets(self, *, at: datetime) -> list[str]:
        return await self._read(outbox.list_due_targets, at)

    async def claim_deliveries(
        self, target: str, *, owner: str, at: datetime, until: datetime, limit: int
    ) -> list[ClaimedDelivery]:
        return await self._write(outbox.claim_deliveries, target, owner, at, until, limit)

    async def release_deliveries(self, owner: str | None) -> None:
        await self._write(outbox.release_deliveries, owner)

    async def record_attempt(self, claimed: ClaimedDelivery, result: AttemptResult) -> Delivery | None:
        return await self._write(outbox.record_attempt, claimed, result)

    async def get_delivery(self, delivery_id: int) -> tuple[Delivery, bytes | None]:
        return await self._read(outbox.get_delivery, delivery_id)

    async def list_deliveries(
        self, selected: DeliveryFilter, *, before_id: int | None = None, limit: int = 50
    ) -> list[Delivery]:
        return await self._read(outbox.list_deliveries, selected, before_id, limit)

    async def redeliver(self, delivery_id: int) -> Delivery:
        return await self._write(outbox.redeliver, delivery_id)

    async def count_pending_deliveries(self) -> dict[str, int]:
        return await self._read(outbox.count_pending_deliveries)

    async def give_up_deliveries(self, target: str, *, occurred_before: datetime, at: datetime, error: str) -> int:
        return await self._write(outbox.give_up_deliveries, target, occurred_before, at, error)

    async def delete_deliveries(self, *, finished_before: datetime, limit: int = 500) -> int:
        return await self._write(outbox.delete_deliveries, finished_before, limit)
