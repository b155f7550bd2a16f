"""Checks again and again, without waiting, whether the reader of a stream may go on to read it."""

import asyncio
from collections.abc import Awaitable, Callable


class LiveCheck:
    """Each call returns the latest answer, and requests a new one. Once it is no, it stays no."""

    def __init__(self, may_read: Callable[[], Awaitable[bool]]) -> None:
        self.is_valid = True
        self._may_read = may_read
        self._checking: asyncio.Task[None] | None = None

    def __call__(self) -> bool:
        if self.is_valid and (self._checking is None or self._checking.done()):
            self._checking = asyncio.create_task(self._check(), name="check of a stream's reader")
        return self.is_valid

    async def _check(self) -> None:
        if not await self._may_read():
            self.is_valid = False
