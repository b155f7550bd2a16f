"""Work that outlives its caller: it runs in a task of its own, and the caller only waits for the answer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from solorun.execution import TaskSet

T = TypeVar("T")


class Caller:
    """Who waits for the answer of detached work, within a limit."""

    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit = limit
        self.has_left = False
        """It has received `too_late`: the effects of the work must not stand."""
        self.waits = True

    def keep(self) -> bool:
        """Lift the limit, because the effects will stand: the caller gets the answer, or has gone by itself.

        False if the limit has passed. The work must then raise, in case that its caller still receives that.
        """
        if self._limit.expired():
            return False
        if self.waits:
            self._limit.reschedule(None)
        return True


async def run_detached(
    tasks: TaskSet,
    work: Callable[[Caller], Coroutine[Any, Any, T]],
    *,
    limit_seconds: float,
    too_late: Exception,
    name: str,
) -> T:
    """Do `work` and return its answer, or raise `too_late` once the limit has passed.

    A cancelled caller (a dropped connection) does not tear the work.
    """
    limit = asyncio.timeout(limit_seconds)
    caller = Caller(limit)
    task = tasks.spawn(work(caller), name=name)
    try:
        async with limit:
            return await asyncio.shield(task)
    except TimeoutError:
        if task.done():  # in the same turn of the event loop
            return task.result()
        caller.has_left = True
        raise too_late from None
    finally:
        caller.waits = False
