"""Work that outlives its caller: it runs in a task of its own, and the caller only waits for the answer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from solorun.execution import TaskSet

T = TypeVar("T")


async def run_detached(
    tasks: TaskSet,
    work: Callable[[asyncio.Event], Coroutine[Any, Any, T]],
    *,
    limit_seconds: float,
    too_late: Exception,
    name: str,
) -> T:
    """Do `work` and return its answer, or raise `too_late` once the limit has passed.

    A cancelled caller (a dropped connection) does not tear the work. `work` gets an event that is set when its
    caller has received `too_late`: from then on its effects must not stand.
    """
    abandoned = asyncio.Event()
    task = tasks.spawn(work(abandoned), name=name)
    try:
        async with asyncio.timeout(limit_seconds):
            return await asyncio.shield(task)
    except TimeoutError:
        if task.done():  # in the same turn of the event loop
            return task.result()
        abandoned.set()
        raise too_late from None
