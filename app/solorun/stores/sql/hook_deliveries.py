"""The last delivery to each hook: functions for a connection's thread, in the transaction of their caller."""

from typing import Final

from msgspec.structs import asdict

from solorun.hook import HookDelivery
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.rows import row_reader, to_microseconds

_read: Final = row_reader(HookDelivery)


def record_delivery(connection: Connection, project: str, hook: str, delivery: HookDelivery) -> None:
    at = to_microseconds(delivery.delivered_at)
    values = asdict(delivery) | {"project": project, "hook": hook, "delivered_at": at}
    connection.execute(QUERIES["record_delivery"], values | {"outcome": delivery.outcome.value})


def list_last_deliveries(connection: Connection) -> dict[tuple[str, str], HookDelivery]:
    rows = connection.execute(QUERIES["list_last_deliveries"], {}).fetchall()
    return {(project, hook): _read(delivery) for project, hook, *delivery in rows}
