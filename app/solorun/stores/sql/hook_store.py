"""The contract of `hook_store.py` over SQL."""

from solorun.hook import HookDelivery
from solorun.hook_store import HookStore
from solorun.stores.sql import hook_deliveries
from solorun.stores.sql.transactions import SqlTransactions


class SqlHookStore(SqlTransactions, HookStore):
    async def record_delivery(self, project: str, hook: str, delivery: HookDelivery) -> None:
        await self._write(hook_deliveries.record_delivery, project, hook, delivery)

    async def list_last_deliveries(self) -> dict[tuple[str, str], HookDelivery]:
        return await self._read(hook_deliveries.list_last_deliveries)
