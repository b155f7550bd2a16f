"""Interrupts a coroutine at its n-th suspension: by cancelling its task or a cancel scope, or by any callback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

import anyio

T = TypeVar("T")

Interrupter = Callable[[Callable[[], Awaitable[object]], int], Awaitable[bool]]
"""Call the function and interrupt it at its n-th suspension; True if it got there."""


class CountedAwaitable(Generic[T]):
    """Counts the suspensions of an awaitable, and calls `interrupt` at the `at`-th."""

    def __init__(self, awaitable: Awaitable[T], at: int, interrupt: Callable[[], object]) -> None:
        self._steps = awaitable.__await__()
        self._at = at
        self.suspensions = 0
        self._interrupt = interrupt

    @property
    def reached(self) -> bool:
        return self.suspensions >= self._at

    def __await__(self) -> Generator[Any, Any, T]:
        step: Callable[[], Any] = lambda: next(self._steps)  # noqa: E731
        while True:
            try:
                yielded = step()
            except StopIteration as stop:
                value: T = stop.value
                return value
            self.suspensions += 1
            if self.suspensions == self._at:
                self._interrupt()
            try:
                yield yielded
            except BaseException as error:
                step = _thrower(self._steps, error)
            else:
                step = lambda: next(self._steps)  # noqa: E731


def _thrower(steps: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)


async def interrupt_task(function: Callable[[], Awaitable[object]], at: int) -> bool:
    """As asyncio does: the task is cancelled once."""
    reached = False

    async def work() -> None:
        nonlocal reached
        task = asyncio.current_task()
        assert task is not None
        counted = CountedAwaitable(function(), at, task.cancel)
        try:
            await counted
        finally:
            reached = counted.reached

    task = asyncio.create_task(work())
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    return reached


async def interrupt_scope(function: Callable[[], Awaitable[object]], at: int) -> bool:
    """As anyio does: every later await is cancelled too."""
    with anyio.CancelScope() as scope:
        counted = CountedAwaitable(function(), at, scope.cancel)
        await counted
    return counted.reached


INTERRUPTERS: dict[str, Interrupter] = {"task": interrupt_task, "scope": interrupt_scope}


async def at_every_suspension(function: Callable[[], Awaitable[object]], interrupt: Interrupter) -> AsyncIterator[int]:
    """Call the function repeatedly, interrupted one suspension later each time, until it completes."""
    at = 1
    while await interrupt(function, at):
        yield at
        at += 1
    yield at
