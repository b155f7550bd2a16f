"""The attempts of one stream to reconnect, until the service has been silent for too long."""

import asyncio
from collections.abc import Callable

from solorun.client.backoff import Backoff
from solorun.errors import Problem, ServiceUnreachable, SolorunError

OnDisconnect = Callable[[SolorunError], None]


class Reconnects:
    """Create it when the stream begins. `on_disconnect` is called with the cause, once for each lost connection."""

    def __init__(self, *, give_up_seconds: float, backoff: Backoff, on_disconnect: OnDisconnect | None = None) -> None:
        self._give_up_seconds = give_up_seconds
        self._on_disconnect = on_disconnect
        self._backoff = backoff
        self._is_disconnected = False
        self._last_activity_at = 0.0

    def record_activity(self) -> None:
        """Note that the service is alive."""
        self._is_disconnected = False
        self._last_activity_at = asyncio.get_running_loop().time()

    def record_progress(self) -> None:
        """Note that part of what the stream is read for has arrived: the next delay is the shortest again."""
        self._backoff.reset()

    async def wait(self, cause: SolorunError, received: str, *, retry_seconds: float | None = None) -> None:
        """Wait before the next attempt. Raises ServiceUnreachable if the service has been silent for too long.

        `received` ends that error: it says how far the stream came.
        """
        delay = self._backoff.next_delay(cause.retry_after_seconds if isinstance(cause, Problem) else retry_seconds)
        silent_seconds = asyncio.get_running_loop().time() - self._last_activity_at
        if silent_seconds + delay > self._give_up_seconds:
            raise ServiceUnreachable(f"{cause.message} Gave up after {silent_seconds:.0f} s{received}") from cause
        if self._on_disconnect is not None and not self._is_disconnected:
            self._on_disconnect(cause)
        self._is_disconnected = True
        await asyncio.sleep(delay)
