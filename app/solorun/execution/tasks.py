"""Background tasks with names: each belongs to the set, and an error in one harms no other."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from solorun.errors import SolorunError

STOP_SECONDS: Final = 2.0

T = TypeVar("T")

_logger = logging.getLogger("solorun.execution")


class TaskSet:
    """The tasks of runs, starts, cancels and retries. Stopping it cancels what is left."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopped = False

    async def stop(self) -> None:
        """Cancel every task and wait for it, up to the limit. What ignores its cancellation is left behind."""
        self._stopped = True
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)

    def spawn(self, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Start `work` in a task of this set. Raises RuntimeError once the set is stopped."""
        if self._stopped:
            work.close()
            raise RuntimeError(f"{name} cannot start: the service is stopped")
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._discard)
        return task

    def _discard(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        # A SolorunError is an answer that the caller of the task has received, or no longer waits for.
        if error is not None and not isinstance(error, SolorunError):
            _logger.error("Task %s failed", task.get_name(), exc_info=error)
