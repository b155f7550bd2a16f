"""Sends a start with a key, and repeats it until it is answered: no repetition starts a second run."""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from solorun.client.backoff import Backoff
from solorun.client.transport import AnswerLost, Connection, UnreadableAnswer
from solorun.errors import (
    FieldError,
    InvalidRequest,
    Problem,
    ServiceDraining,
    ServiceUnreachable,
    SolorunError,
    StoreUnavailable,
)
from solorun.idempotency_key import KEY_FORMAT, KEY_HEADER, is_valid_key
from solorun.wire import StartedRun

_TEMPORARY: Final = (AnswerLost, ServiceDraining, StoreUnavailable)


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
    """POST `body` to `path` until it is answered, or fails in a way that another attempt would not change.

    Without a `key`, a random one is used. Raises InvalidRequest for a malformed one.

    After a lost connection, a time-out, a 503, or a 502 or 504 of a proxy, the request is repeated until
    `limit_seconds` have passed. A service that cannot be reached is waited for only after one of these, because it may
    be restarting. `on_retry` is called with the cause of the first failure. At the limit, the last error is raised.
    """
    key = str(uuid4()) if key is None else key
    if not is_valid_key(key):
        raise InvalidRequest(errors=[FieldError(KEY_HEADER, KEY_FORMAT)])
    loop = asyncio.get_running_loop()
    began_at, is_first = loop.time(), True
    while True:
        try:
            return await connection.request("POST", path, StartedRun, body=body, headers={KEY_HEADER: key})
        except SolorunError as error:
            is_temporary = isinstance(error, _TEMPORARY if is_first else (*_TEMPORARY, ServiceUnreachable))
            if not is_temporary or isinstance(error, UnreadableAnswer):
                raise
            cause = error
        delay = backoff.next_delay(cause.retry_after_seconds if isinstance(cause, Problem) else None)
        elapsed = loop.time() - began_at
        if elapsed + delay > limit_seconds:
            if isinstance(cause, Problem):
                raise cause
            raise ServiceUnreachable(f"{cause.message} Gave up after {elapsed:.0f} s. The run may have been started.")
        if is_first and on_retry is not None:
            on_retry(cause)
        is_first = False
        await asyncio.sleep(delay)
