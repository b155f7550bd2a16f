"""What the end of every run does in its transaction, however the run ends. Functions for a connection's thread."""

from typing import Final

import msgspec

from solorun.notification import NotifyEvent
from solorun.status import Status
from solorun.stores.sql import schedules
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.unmasked_params import erase_unmasked

_decode_subscriptions: Final = msgspec.json.Decoder(dict[str, tuple[NotifyEvent, ...]]).decode
_BROKEN: Final = (Status.FAILED, Status.INTERRUPTED)


def release_run(connection: Connection, run_id: int, traceparent: str | None = None) -> None:
    """Release what an ended run holds, erase its secrets, record its end in its firing, and add its deliveries.

    Call it once, after the status is written, in the same transaction.
    """
    values = {"run_id": run_id}
    connection.execute(QUERIES["release_holds"], values)
    connection.execute(QUERIES["delete_waits"], values)
    erase_unmasked(connection, run_id)
    schedules.record_end(connection, run_id)
    _add_deliveries(connection, run_id, traceparent)


def _add_deliveries(connection: Connection, run_id: int, traceparent: str | None) -> None:
    row = connection.execute(QUERIES["select_subscriptions"], {"run_id": run_id}).fetchone()
    if row is None:
        return
    project, status, notify, finished_at = row
    subscriptions = _decode_subscriptions(notify)
    ended = NotifyEvent(status)
    recovered = (
        ended is NotifyEvent.COMPLETED
        and any(NotifyEvent.RECOVERED in events for events in subscriptions.values())
        and _find_previous_outcome(connection, project, run_id) in _BROKEN
    )
    for target, events in subscriptions.items():
        event = NotifyEvent.RECOVERED if recovered and NotifyEvent.RECOVERED in events else ended
        if event in events:
            values = {
                # With the time: after a restore of a backup, another run may have this id.
                "message_id": f"run-{run_id}-{event}-{finished_at:x}",
                "target": target,
                "event": event.value,
                "project": project,
                "run_id": run_id,
                "detail": "",
                "occurred_at": finished_at,
                "traceparent": traceparent,
            }
            connection.execute(QUERIES["insert_delivery"], values).close()


def _find_previous_outcome(connection: Connection, project: str, run_id: int) -> Status | None:
    row = connection.execute(QUERIES["select_previous_outcome"], {"project": project, "run_id": run_id}).fetchone()
    return None if row is None else Status(row[0])
