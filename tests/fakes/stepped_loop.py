"""An event loop whose clock only moves when the test moves it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class SteppedLoop(asyncio.SelectorEventLoop):
    """Timers are due after `advance`, however much time passes. Threads call into it as usual."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__()

    def time(self) -> float:
        return self._now

    async def advance(self, seconds: float) -> None:
        """Move the clock, and run the timers that are now due and what follows from them without waiting."""
        self._now += seconds
        for _ in range(10):
            await asyncio.sleep(0)


def run_stepped(function: Callable[[SteppedLoop], Awaitable[T]]) -> T:
    """Call the function with a new loop, in that loop."""
    loop = SteppedLoop()

    async def call() -> T:
        return await function(loop)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(call())
