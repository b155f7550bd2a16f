"""The contract of what works in the background and has to be started and stopped, such as the log writer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar


class Component(Protocol):
    """A part of the service with background tasks. Its collaborators are arguments of its constructor."""

    async def start(self) -> None:
        """Return once it works. Its tasks have names. Raises if it cannot work."""

    async def stop(self) -> None:
        """End its tasks. Safe if it was never started, and safe to call twice."""


ComponentT = TypeVar("ComponentT", bound=Component)


@asynccontextmanager
async def running(component: ComponentT) -> AsyncIterator[ComponentT]:
    """Start the component, and stop it when the block ends. On one exit stack, components stop in reverse order."""
    try:
        await component.start()
        yield component
    finally:
        await component.stop()
