"""The part of the store's contract that is about deliveries to hooks."""

from typing import Protocol

from solorun.hook import HookDelivery


class HookStore(Protocol):
    """The last delivery to each hook."""

    async def record_delivery(self, project: str, hook: str, delivery: HookDelivery) -> None:
        """Replace the hook's last delivery."""

    async def list_last_deliveries(self) -> dict[tuple[str, str], HookDelivery]:
        """The last delivery to each hook that had one, by project and hook."""
