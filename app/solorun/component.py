"""The contract of everything that works in the background: the writer, the reaper, the checkpointer and their like."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar


class Component(Protocol):
    """A part of the service with work of its own. It gets its collaborators when it is made, not later."""

    async def start(self) -> None:
        """Return once it works. Its tasks have names. Raises whatever keeps it from working."""

    async def stop(self) -> None:
        """Stop working, and return once nothing of it is left. Safe when it was never started, and safe twice."""


ComponentT = TypeVar("ComponentT", bound=Component)


@asynccontextmanager
async def running(component: ComponentT) -> AsyncIterator[ComponentT]:
    """Start the component, and stop it when the block ends. On one exit stack, components stop in reverse order."""
    try:
        await component.start()
        yield component
    finally:
        await component.stop()
