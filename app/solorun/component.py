"""The contract of what works in the background and has to be started and stopped, such as the log writer."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar, Protocol, TypeVar


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
