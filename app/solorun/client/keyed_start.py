"""Sends a start with a key, and repeats it until it is answered: no repetition starts a second run."""

from typing import Final
from uuid import uuid4

from solorun.client.reconnects import Reconnects
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
from solorun.wire.runs import StartedRun

_TEMPORARY: Final[tuple[type[SolorunError], ...]] = (AnswerLost, ServiceDraining, StoreUnavailable)


async def start(connection: Connection, path: str, body: bytes, key: str | None, reconnects: Reconnects) -> StartedRun:
    """POST `body` to `path` until it is answered, or fails in a way that another attempt would not change.

    Without a `key`, a random one is used. Raises InvalidRequest for a malformed one.

    After a lost connection, a time-out, a 503, or a 502 or 504 of a proxy, the request is repeated as long as
    `reconnects` says. A service that cannot be reached is waited for only after one of these, because it may be
    restarting. In the end, the last error is raised.
    """
    key = str(uuid4()) if key is None else key
    if not is_valid_key(key):
        raise InvalidRequest(errors=[FieldError(KEY_HEADER, KEY_FORMAT)])
    reconnects.record_activity()
    temporary = _TEMPORARY
    while True:
        try:
            return await connection.request("POST", path, StartedRun, body=body, headers={KEY_HEADER: key})
        except SolorunError as error:
            if not isinstance(error, temporary) or isinstance(error, UnreadableAnswer):
                raise
            cause = error
        temporary = (*_TEMPORARY, ServiceUnreachable)
        try:
            await reconnects.wait(cause, ". The run may have been started.")
        except ServiceUnreachable as given_up:
            raise cause if isinstance(cause, Problem) else given_up from None
