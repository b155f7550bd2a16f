"""The commands that one coroutine step runs with `step.run`. They end with the step."""

import asyncio
from collections.abc import Callable

from solorun.outcome import StepResult
from solorun.step import CommandRunner, StepExecution


class CoroutineCommands(CommandRunner):
    def __init__(self, start: Callable[[tuple[str, ...]], StepExecution], grace_seconds: float) -> None:
        self._start = start
        self._grace_seconds = grace_seconds
        self._running: set[StepExecution] = set()

    async def run(self, command: tuple[str, ...]) -> StepResult:
        execution = self._start(command)
        self._running.add(execution)
        try:
            return await execution.wait()
        except asyncio.CancelledError:
            await self._stop(execution)
            raise
        finally:
            self._running.discard(execution)

    async def stop(self) -> None:
        """Stop what the coroutine has left running, in tasks that it did not await."""
        await asyncio.gather(*(execution.stop(self._grace_seconds) for execution in self._running))

    async def _stop(self, execution: StepExecution) -> None:
        """Wait until the command has ended. Another cancellation ends its grace."""
        stopping = asyncio.create_task(execution.stop(self._grace_seconds))
        while not stopping.done():
            try:
                await asyncio.wait([stopping])
            except asyncio.CancelledError:
                stopping = asyncio.create_task(execution.stop(0))
