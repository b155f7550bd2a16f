"""The outbox: functions for a connection's thread, each in one transaction."""

import secrets
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from solorun.errors import DeliveryNotFound
from solorun.notification import (
    MAX_ATTEMPTS_SHOWN,
    Delivery,
    DeliveryAttempt,
    DeliveryStatus,
    NewNotification,
)
from solorun.run import MAX_RUN_ID
from solorun.store import GIVE_UP_AFTER, AttemptResult, ClaimedDelivery, DeliveryFilter
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.rows import EPOCH, decode_time, row_reader, storable_id, to_microseconds

_decode_attempts: Final = msgspec.json.Decoder(tuple[DeliveryAttempt, ...]).decode
_read: Final = row_reader(Delivery)
_COLUMN_COUNT: Final = len(Delivery.__struct_fields__)


def add_notification(connection: Connection, new: NewNotification, targets: Collection[str]) -> list[Delivery]:
    values = {
        "message_id": f"{new.event}-{new.key}",
        "event": new.event.value,
        "project": new.project,
        "run_id": new.run_id,
        "detail": new.detail,
        "occurred_at": to_microseconds(new.occurred_at),
        "traceparent": None,
    }
    rows = [connection.execute(QUERIES["insert_delivery"], values | {"target": each}).fetchone() for each in targets]
    return [get_delivery(connection, row[0])[0] for row in rows if row is not None]


def list_due_targets(connection: Connection, *, at: datetime) -> list[str]:
    return [target for (target,) in connection.execute(QUERIES["list_due_targets"], {"at": to_microseconds(at)})]


def claim_deliveries(
    connection: Connection, target: str, *, owner: str, at: datetime, until: datetime, limit: int
) -> list[ClaimedDelivery]:
    claim = f"{owner} {secrets.token_hex(8)}"
    rows = connection.execute(
        QUERIES["claim_deliveries"],
        {
            "target": target,
            "claim": claim,
            "at": to_microseconds(at),
            "until": to_microseconds(until),
            "limit": limit,
        },
    ).fetchall()
    rows.sort(key=lambda row: int(row[0]))
    return [ClaimedDelivery(_from_row(row), _payload(row), claim, row[-1]) for row in rows]


def release_deliveries(connection: Connection, owner: str | None) -> None:
    connection.execute(QUERIES["release_deliveries"], {"owner": owner})


def record_attempt(connection: Connection, claimed: ClaimedDelivery, result: AttemptResult) -> Delivery | None:
    values: dict[str, Any] = {"delivery_id": claimed.delivery.id, "claim": claimed.claim}
    row = connection.execute(QUERIES["select_claimed_delivery"], values).fetchone()
    if row is None:
        return None
    attempts = (*_decode_attempts(row[12]), DeliveryAttempt(result.at, result.error))
    tried_since = result.at if row[13] is None else decode_time(row[13])
    status = DeliveryStatus.DELIVERED
    if result.error is not None:
        is_too_late = result.retry_at - tried_since > GIVE_UP_AFTER
        status = DeliveryStatus.GIVEN_UP if is_too_late else DeliveryStatus.PENDING
    connection.execute(
        QUERIES["record_attempt"],
        values
        | {
            "status": status.value,
            "due_at": to_microseconds(result.retry_at),
            "tried_since": to_microseconds(tried_since),
            "finished_at": None if status is DeliveryStatus.PENDING else to_microseconds(result.at),
            "attempts": _encode_attempts(attempts),
            "payload": result.payload,
        },
    )
    return get_delivery(connection, claimed.delivery.id)[0]


def get_delivery(connection: Connection, delivery_id: int) -> tuple[Delivery, bytes | None]:
    row = connection.execute(QUERIES["select_delivery"], {"delivery_id": storable_id(delivery_id)}).fetchone()
    if row is None:
        raise DeliveryNotFound(f"There is no delivery {delivery_id}.")
    return _from_row(row), _payload(row)


def list_deliveries(
    connection: Connection, selected: DeliveryFilter, *, before_id: int | None = None, limit: int = 50
) -> list[Delivery]:
    values = asdict(selected) | {
        "run_id": None if selected.run_id is None else storable_id(selected.run_id),
        "status": None if selected.status is None else selected.status.value,
        "before_id": MAX_RUN_ID if before_id is None else before_id,
        "limit": limit,
    }
    query = "list_deliveries" if selected.run_id is None else "list_deliveries_of_run"
    return [_from_row(row) for row in connection.execute(QUERIES[query], values).fetchall()]


def redeliver(connection: Connection, delivery_id: int) -> Delivery:
    connection.execute(QUERIES["redeliver"], {"delivery_id": storable_id(delivery_id)})
    return get_delivery(connection, delivery_id)[0]


def count_pending_deliveries(connection: Connection) -> dict[str, int]:
    return dict(connection.execute(QUERIES["count_pending_deliveries"]).fetchall())


def give_up_deliveries(
    connection: Connection, target: str, *, occurred_before: datetime, at: datetime, error: str
) -> int:
    values: dict[str, Any] = {"target": target, "at": to_microseconds(at), "before": to_microseconds(occurred_before)}
    stale = [_from_row(row) for row in connection.execute(QUERIES["list_stale_deliveries"], values).fetchall()]
    for delivery in stale:
        attempts = _encode_attempts((*delivery.attempts, DeliveryAttempt(at, error)))
        update = {"delivery_id": delivery.id, "at": values["at"], "attempts": attempts}
        connection.execute(QUERIES["give_up_delivery"], update)
    return len(stale)


def delete_deliveries(connection: Connection, *, finished_before: datetime, limit: int = 500) -> int:
    values = {"before": to_microseconds(finished_before), "limit": limit}
    return connection.execute(QUERIES["delete_deliveries"], values).rowcount


def _encode_attempts(attempts: tuple[DeliveryAttempt, ...]) -> str:
    return msgspec.json.encode(attempts[-MAX_ATTEMPTS_SHOWN:]).decode()


def _payload(row: tuple[Any, ...]) -> bytes | None:
    return None if row[_COLUMN_COUNT] is None else bytes(row[_COLUMN_COUNT])


def _from_row(row: tuple[Any, ...]) -> Delivery:
    """A delivery from a row that begins with the `delivery_columns`."""
    delivery = _read(row[:_COLUMN_COUNT])
    if delivery.status is not DeliveryStatus.PENDING:
        return replace(delivery, next_attempt_at=None)
    # A new delivery is due since the epoch.
    return replace(delivery, next_attempt_at=delivery.occurred_at) if delivery.next_attempt_at == EPOCH else delivery
