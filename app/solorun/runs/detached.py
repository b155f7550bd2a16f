"""A decision that outlives who asked for it: carried out in the manager's task group, while its caller only waits.

A dropped connection cannot tear it; a caller who is told that it took too long is told so exactly once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from anyio.abc import TaskGroup

T = TypeVar("T")


class Decision(Generic[T]):
    """One reply, given once: by the work, or by its time limit, whichever comes first."""

    def __init__(self) -> None:
        self.abandoned = False
        """The caller was told that it failed: whatever comes of it must not stand."""
        self._reply: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def make(
        self,
        task_group: TaskGroup,
        work: Callable[[], Awaitable[T]],
        *,
        limit_seconds: float,
        too_late: Exception,
        name: str,
    ) -> T:
        """Carry out `work` and answer what it answers or raises; `too_late` when it takes longer than the limit.

        A cancelled call leaves the work to be carried through as if somebody waited.
        """
        task_group.start_soon(self._carry_out, work, name=name)
        timer = asyncio.get_running_loop().call_later(limit_seconds, self._give_up, too_late)
        try:
            return await self._reply
        finally:
            timer.cancel()

    async def _carry_out(self, work: Callable[[], Awaitable[T]]) -> None:
        """Never raises: an error that escaped would end every run."""
        try:
            answer = await work()
        except Exception as error:  # noqa: BLE001 - it is the caller's to hear
            if not self._reply.done():
                self._reply.set_exception(error)
        else:
            if not self._reply.done():
                self._reply.set_result(answer)

    def _give_up(self, too_late: Exception) -> None:
        if not self._reply.done():
            self.abandoned = True
            self._reply.set_exception(too_late)
