"""Interrupts a coroutine at its n-th suspension: by its task's cancel, by a cancel scope, or by whatever is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

import anyio

T = TypeVar("T")

Way = Callable[[Callable[[], Awaitable[object]], int], Awaitable[bool]]
"""Call the function, interrupted at its n-th suspension; whether it got so far."""


class Counted(Generic[T]):
    """Awaits something step by step, and calls `interrupt` when it suspends for the `at`-th time."""

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


async def by_task(function: Callable[[], Awaitable[object]], at: int) -> bool:
    """asyncio's own: one cancel of the task."""

    reached = False

    async def work() -> None:
        nonlocal reached
        task = asyncio.current_task()
        assert task is not None
        counted = Counted(function(), at, task.cancel)
        try:
            await counted
        finally:
            reached = counted.reached

    task = asyncio.create_task(work())
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    return reached


async def by_scope(function: Callable[[], Awaitable[object]], at: int) -> bool:
    """anyio's: every further await is cancelled too."""
    with anyio.CancelScope() as scope:
        counted = Counted(function(), at, scope.cancel)
        await counted
    return counted.reached


WAYS: dict[str, Way] = {"task": by_task, "scope": by_scope}


async def at_every_suspension(function: Callable[[], Awaitable[object]], way: Way) -> AsyncIterator[int]:
    """Call the function again and again, each time interrupted one suspension later, until it gets through."""
    at = 1
    while await way(function, at):
        yield at
        at += 1
    yield at
