"""The contract of what works in the background and has to be started and stopped, such as the log writer."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import ClassVar, Protocol, TypeVar

from solorun.errors import SolorunError


@contextmanager
def failures_logged(logger: logging.Logger, message: str, level: int = logging.WARNING) -> Iterator[None]:
    """Log what the block raises, and go on after it: a SolorunError in one line, anything else with its traceback."""
    try:
        yield
    except SolorunError as error:
        logger.log(level, "%s: %s", message, error)
    except Exception:
        logger.exception(message)


class Component(Protocol):
    """A part of the service with background tasks. Its collaborators are arguments of its constructor."""

    async def start(self) -> None:
        """Return once it works. Its tasks have names. Raises if it cannot work."""

    async def stop(self) -> None:
        """End its tasks. Safe if it was never started, and safe to call twice."""


class Background(ABC):
    """A Component that works in one task."""

    task_name: ClassVar[str]
    _task: asyncio.Task[None] | None = None

    @abstractmethod
    async def _run(self) -> None:
        """Work until the task is cancelled."""

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.task_name)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


ComponentT = TypeVar("ComponentT", bound=Component)


@asynccontextmanager
async def running(component: ComponentT) -> AsyncIterator[ComponentT]:
    """Start the component, and stop it when the block ends. On one exit stack, components stop in reverse order."""
    try:
        await component.start()
        yield component
    finally:
        await component.stop()
