"""Command steps: a process under a runner, its output carried to the log, its whole tree ended with it."""

import asyncio
import logging
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from solorun.outcome import StepResult, short_error_message
from solorun.project import CommandStep, Project
from solorun.record import Level, Stream
from solorun.step import StepContext, StepExecution
from solorun.steps.environment import command_environment
from solorun.steps.orphans import OrphanProcesses
from solorun.steps.pipe_reader import PipeReader
from solorun.steps.shim_process import ShimProcess
from solorun.steps.workflow_commands import WorkflowCommandInterpreter

DRAIN_SECONDS: Final = 0.5
"""So long what a command left behind may go on writing after its end (time in which the log was full not counted)."""
MAX_DRAIN_SECONDS: Final = 2.0
"""No longer than this in all: what writes without end keeps the log full. What is in the pipe then is still read."""
LEFTOVER_GRACE_SECONDS: Final = 0.5
_TICK_SECONDS: Final = 0.05
_LOST: Final = "runner lost: the process that watched over the command was killed"

logger = logging.getLogger(__name__)


def start_command(
    project: Project, step: CommandStep, context: StepContext, *, data_dir: Path, environ: Mapping[str, str]
) -> StepExecution:
    """Start a command; one that cannot be started has already ended with a failing result."""
    if not project.directory.is_dir():
        return EndedExecution(StepResult(error_message=f"no such directory: {project.directory.name}"))
    argv = ("/bin/sh", "-c", step.run) if isinstance(step.run, str) else step.run
    try:
        runner = ShimProcess.start(argv, project.directory, command_environment(environ, project, context))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return EndedExecution(StepResult(error_message=short_error_message(f"could not be started: {reason}")))
    return CommandExecution(runner, context, data_dir)


class EndedExecution(StepExecution):
    """A step that could not begin."""

    def __init__(self, result: StepResult) -> None:
        self._result = result

    @property
    def result(self) -> StepResult:
        return self._result

    async def wait(self) -> StepResult:
        return self._result

    async def stop(self, grace_seconds: float) -> StepResult:  # noqa: ARG002
        return self._result


class CommandExecution(StepExecution):
    """A command at work. Its result is known when it has exited; it has ended when nothing of it is left."""

    def __init__(self, runner: ShimProcess, context: StepContext, data_dir: Path) -> None:
        self._runner = runner
        self._context = context
        self._data_dir = data_dir
        self._result: StepResult | None = None
        self._session: int = -1
        self._told_to_stop = False
        self._over = False
        self._drain: asyncio.Task[None] | None = None
        self._interpreter = WorkflowCommandInterpreter(context.name, context.output)
        self._pumps = [
            PipeReader(runner.stdout, Stream.STDOUT, context, self._interpreter),
            PipeReader(runner.stderr, Stream.STDERR, context),
        ]
        self._pumping = [asyncio.create_task(pump.run(), name=f"pump of {context.name}") for pump in self._pumps]
        self._task = asyncio.create_task(self._supervise(), name=f"command {context.name} of run {context.run_id}")

    @property
    def result(self) -> StepResult | None:
        return self._result

    async def wait(self) -> StepResult:
        return await asyncio.shield(self._task)

    async def stop(self, grace_seconds: float) -> StepResult:
        self._told_to_stop = True
        if not self._task.done():
            self._runner.stop(grace_seconds)
        return await self.wait()

    async def _supervise(self) -> StepResult:
        try:
            async for word, rest in self._runner.reports():
                await self._hear(word, rest)
            if not self._over:
                await OrphanProcesses(self._data_dir, self._context.run_id, self._warn, session=self._session).end()
            result = self._end(StepResult(error_message=_LOST))
            for pump in self._pumps:
                pump.finish()
            await asyncio.gather(*self._pumping)
            await self._interpreter.finish()
        finally:
            if self._drain is not None:
                self._drain.cancel()
            await self._runner.close()
        return result

    async def _hear(self, word: str, rest: str) -> None:
        match word:
            case "started":
                self._session = int(rest)
            case "refused":
                self._end(StepResult(error_message=short_error_message(self._context.output.mask(rest))))
            case "exited":
                self._end(_result_of(int(rest)))
            case "left":
                self._drain = asyncio.create_task(self._end_what_is_left(), name=f"drain of {self._context.name}")
            case "unkillable":
                pid, _, name = rest.partition(" ")
                await self._warn(f"process {pid} ({name}) does not end and may not be ours to end: waiting for it")
            case "done":
                self._over = True

    def _end(self, result: StepResult) -> StepResult:
        """The first result stands."""
        self._result = self._result or result
        return self._result

    async def _end_what_is_left(self) -> None:
        """The command has exited, others of its tree have not: let them say their last, then end them."""
        loop = asyncio.get_running_loop()
        left = DRAIN_SECONDS
        deadline = loop.time() + MAX_DRAIN_SECONDS
        while left > 0 and loop.time() < deadline:
            began = loop.time()
            done, _ = await asyncio.wait(self._pumping, timeout=_TICK_SECONDS)
            if len(done) == len(self._pumping):
                break
            if not any(pump.is_waiting_for_output for pump in self._pumps):
                left -= loop.time() - began
        if not self._told_to_stop:
            self._runner.stop(LEFTOVER_GRACE_SECONDS)
            await self._warn("the command has exited; processes that it left behind are ended")

    async def _warn(self, message: str) -> None:
        await self._context.output.write(self._context.name, Stream.SOLORUN, [message], level=Level.WARNING)


def _result_of(exit_code: int) -> StepResult:
    if exit_code == 0:
        return StepResult(exit_code=0)
    if exit_code > 0:
        return StepResult(exit_code, f"exit code {exit_code}")
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return StepResult(exit_code, f"killed by {name}")
