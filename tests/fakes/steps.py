"""Scripted steps in place of processes and coroutines."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from solorun.outcome import StepResult, StopEffect
from solorun.project import Project, StepDeclaration
from solorun.step import StepContext


class ScriptedStep:
    """A step that runs until the test ends it. It also ends when it is stopped, unless it is `unkillable`.

    Its work is at `position` when it is stopped.
    """

    def __init__(self, context: StepContext, *, unkillable: bool = False) -> None:
        self.context = context
        self.unkillable = unkillable
        self.graces: list[float] = []
        self.position: tuple[str, ...] = ()
        self.stop_effect: StopEffect | None = None
        self.stop_requested = asyncio.Event()
        self._ended = asyncio.Event()
        self._result: StepResult | None = None

    @property
    def result(self) -> StepResult | None:
        return self._result

    def exit(self, error_message: str | None = None, exit_code: int | None = 0) -> None:
        """Set the result without ending the step, as if output or child processes remained."""
        if self._result is None:
            self._result = StepResult(exit_code, error_message)

    def end(self, error_message: str | None = None, exit_code: int | None = 0) -> None:
        self.exit(error_message, exit_code)
        self._ended.set()

    async def wait(self) -> StepResult:
        await self._ended.wait()
        assert self._result is not None
        return self._result

    async def stop(self, grace_seconds: float) -> StepResult:
        self.graces.append(grace_seconds)
        self.context.report_position(self.position)
        self.stop_requested.set()
        self.stop_effect = self.stop_effect or StopEffect.STOPPED
        if not self.unkillable:
            self.end("killed by SIGTERM", -15)
        return await self.wait()


class ScriptedExecutor:
    """Gives its steps to the test: `await executor.step("extract")` returns the step once it has started.

    `prepare` is called with each step before it starts: what a test does afterwards may come after a time limit.
    """

    def __init__(
        self, *, unkillable: bool = False, prepare: Callable[[ScriptedStep], None] = lambda step: None
    ) -> None:
        self.unkillable = unkillable
        self._prepare = prepare
        self.begun: list[ScriptedStep] = []
        self.orphans_killed: list[int] = []
        self.start_error: Exception | None = None
        self._next: dict[str, asyncio.Queue[ScriptedStep]] = defaultdict(asyncio.Queue)

    async def start(self, project: Project, step: StepDeclaration, context: StepContext) -> ScriptedStep:
        if self.start_error is not None:
            raise self.start_error
        scripted = ScriptedStep(context, unkillable=self.unkillable)
        self._prepare(scripted)
        self.begun.append(scripted)
        self._next[step.name].put_nowait(scripted)
        return scripted

    async def kill_orphans(self, run_id: int) -> None:
        self.orphans_killed.append(run_id)

    async def step(self, name: str) -> ScriptedStep:
        """Wait for the next step of this name to start."""
        async with asyncio.timeout(60):
            return await self._next[name].get()
