"""Repeats a request whose answer did not arrive. Only for requests that are safe to repeat."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from solorun.client.backoff import Backoff
from solorun.client.transport import AnswerLost, UnreadableAnswer
from solorun.errors import Problem, ServiceDraining, ServiceUnreachable, SolorunError, StoreUnavailable

T = TypeVar("T")

_TEMPORARY: Final = (AnswerLost, ServiceDraining, StoreUnavailable)


async def repeat_until_answered(
    send: Callable[[], Awaitable[T]],
    *,
    limit_seconds: float,
    backoff: Backoff,
    on_retry: Callable[[SolorunError], None] | None = None,
) -> T:
    """Call `send` until it returns, or raises what another attempt would not change.

    After a lost connection, a time-out, a 503, or a 502 or 504 of a proxy, it is called again until `limit_seconds`
    have passed. A service that cannot be reached is waited for only after one of these, because it may be restarting.
    `on_retry` is called with the cause of the first failure. At the limit, the last error is raised.
    """
    loop = asyncio.get_running_loop()
    began_at, is_first = loop.time(), True
    while True:
        try:
            return await send()
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
