"""The requests of `RunClient` that concern notifications."""

from urllib.parse import quote

from solorun.client.transport import Connection, Query
from solorun.notification import Delivery, DeliveryStatus
from solorun.wire.notifications import DeliveryDetails, DeliveryPage, NotifyTargetList, NotifyTargetSummary


class NotificationRequests:
    """A part of RunClient."""

    _connection: Connection

    async def list_notify_targets(self) -> list[NotifyTargetSummary]:
        """The declared notification targets, with the projects that name them."""
        return list((await self._connection.request("GET", "/notify", NotifyTargetList)).targets)

    async def test_notify_target(self, name: str) -> Delivery:
        """Send a test message to a notification target. Returns its delivery, which is pending."""
        return await self._connection.request("POST", f"/notify/{quote(name, safe='')}/test", Delivery)

    async def list_deliveries(
        self,
        *,
        target: str | None = None,
        status: DeliveryStatus | None = None,
        project: str | None = None,
        run_id: int | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> DeliveryPage:
        """One page of the deliveries of notifications, newest first. Pass `next_cursor` to get the next one."""
        query: Query = {
            "target": target,
            "status": status,
            "project": project,
            "run_id": run_id,
            "limit": limit,
            "cursor": cursor,
        }
        return await self._connection.request("GET", "/deliveries", DeliveryPage, query=query)

    async def get_delivery(self, delivery_id: int) -> DeliveryDetails:
        """A delivery with what it has sent."""
        return await self._connection.request("GET", f"/deliveries/{delivery_id}", DeliveryDetails)

    async def redeliver(self, delivery_id: int) -> Delivery:
        """Send a delivery again, whatever its status. Returns it pending."""
        return await self._connection.request("POST", f"/deliveries/{delivery_id}/redeliver", Delivery)
