"""Lets a client have one large page at a time. Other requests are handled while it rests after each page."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from starlette.types import Scope

from solorun.http.request import address_of

REST_SECONDS: Final = 0.002
"""Two to four times as long as the event loop works on a page: the pages of one client take up to a third of it."""


class Turns:
    """The turns of all clients, by their addresses."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, scope: Scope) -> AsyncIterator[None]:
        """Wait for the client's turn. Its next one begins some time after this one."""
        lock = self._locks.setdefault(address_of(scope), asyncio.Lock())
        await lock.acquire()
        try:
            yield
        finally:
            # The rest delays the next page, not this one.
            asyncio.get_running_loop().call_later(REST_SECONDS, lock.release)
