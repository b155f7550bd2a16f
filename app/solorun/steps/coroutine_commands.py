"""The commands that one coroutine step runs with `step.run`. They end with the step."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from solorun.outcome import StepResult
from solorun.step import StepExecution


class CoroutineCommands:
    def __init__(self, start: Callable[[tuple[str, ...]], StepExecution], grace_seconds: float) -> None:
        self._start = start
        self._grace_seconds = grace_seconds
        self._running: set[StepExecution] = set()
        self._loop = asyncio.get_running_loop()
        self._has_ended = False

    async def run(self, command: tuple[str, ...]) -> StepResult:
        """Cancelling this call stops the command, and waits until it has ended."""
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError("step.run works only on the event loop of the service")
        await asyncio.sleep(0)  # a loop around commands that cannot be started must not block the service
        if self._has_ended:
            raise RuntimeError(f"the step has ended; it cannot run {Path(command[0]).name}")
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
        """Stop what the coroutine has left running, in tasks that it did not await. They can run nothing more."""
        self._has_ended = True
        await asyncio.gather(*(execution.stop(self._grace_seconds) for execution in self._running))

    async def _stop(self, execution: StepExecution) -> None:
        """Wait until the command has ended. Another cancellation ends its grace."""
        stopping = asyncio.create_task(execution.stop(self._grace_seconds))
        while not stopping.done():
            try:
                await asyncio.wait([stopping])
            except asyncio.CancelledError:
                stopping = asyncio.create_task(execution.stop(0))
