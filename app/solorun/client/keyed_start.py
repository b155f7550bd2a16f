"""Sends a start with a key, and repeats it until it is answered: no repetition starts a second run."""

from collections.abc import Callable
from uuid import uuid4

from solorun.client.backoff import Backoff
from solorun.client.retries import repeat_until_answered
from solorun.client.transport import Connection
from solorun.errors import FieldError, InvalidRequest, SolorunError
from solorun.idempotency_key import KEY_FORMAT, KEY_HEADER, is_valid_key
from solorun.wire import StartedRun


async def start(
    connection: Connection,
    path: str,
    body: bytes,
    key: str | None,
    *,
    limit_seconds: float,
    backoff: Backoff,
    on_retry: Callable[[SolorunError], None] | None,
) -> StartedRun:
    """POST `body` to `path`. Without a `key`, a random one is used. Raises InvalidRequest for a malformed one."""
    key = str(uuid4()) if key is None else key
    if not is_valid_key(key):
        raise InvalidRequest(errors=[FieldError(KEY_HEADER, KEY_FORMAT)])
    return await repeat_until_answered(
        lambda: connection.request("POST", path, StartedRun, body=body, headers={KEY_HEADER: key}),
        limit_seconds=limit_seconds,
        backoff=backoff,
        on_retry=on_retry,
    )
