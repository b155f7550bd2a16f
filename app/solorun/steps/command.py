"""Command steps: runs a process under a shim, sends its output to the log and kills its whole process tree."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from typing import Final

from solorun.outcome import StepResult, short_error_message
from solorun.project import CommandStep, Project
from solorun.record import Level, Stream
from solorun.step import StepContext, StepExecution
from solorun.steps.environment import command_environment
from solorun.steps.orphans import OrphanProcesses
from solorun.steps.pipe_reader import PipeReader
from solorun.steps.shim_process import FORGED, ShimProcess
from solorun.steps.workflow_commands import WorkflowCommandInterpreter

DRAIN_SECONDS: Final = 0.5
"""How long processes that outlive the command may keep writing. Time spent waiting for a full log does not count."""
MAX_DRAIN_SECONDS: Final = 2.0
"""The limit including that time: an endless writer keeps the log full. What is in the pipe by then is still read."""
ORPHAN_GRACE_SECONDS: Final = 0.5
_TICK_SECONDS: Final = 0.05
_LOST: Final = "shim lost: the process that supervised the command was killed"
_FORGED: Final = "the command wrote to the pipes of its shim; that is ignored"

FindOrphans = Callable[..., OrphanProcesses]


def start_command(
    project: Project,
    step: CommandStep,
    context: StepContext,
    *,
    environ: Mapping[str, str],
    find_orphans: FindOrphans,
) -> StepExecution:
    """Start a command. If it cannot be started, the execution has already ended with a failed result."""
    if not project.directory.is_dir():
        return EndedExecution(StepResult(error_message=f"no such directory: {project.directory.name}"))
    argv = ("/bin/sh", "-c", step.run) if isinstance(step.run, str) else step.run
    try:
        shim = ShimProcess.start(argv, project.directory, command_environment(environ, project, context))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return EndedExecution(StepResult(error_message=short_error_message(f"could not be started: {reason}")))
    return CommandExecution(shim, context, find_orphans)


class EndedExecution(StepExecution):
    """A step that could not be started."""

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
    """A running command. Its result is set when it exits; it has ended when all of its processes have exited."""

    def __init__(self, shim: ShimProcess, context: StepContext, find_orphans: FindOrphans) -> None:
        self._shim = shim
        self._context = context
        self._find_orphans = find_orphans
        self._result: StepResult | None = None
        self._session: int = -1
        self._stop_requested = False
        self._shim_done = False
        self._has_forged = False
        self._drain: asyncio.Task[None] | None = None
        self._interpreter = WorkflowCommandInterpreter(context.name, context.output)
        self._readers = [
            PipeReader(shim.stdout, Stream.STDOUT, context, self._interpreter),
            PipeReader(shim.stderr, Stream.STDERR, context),
        ]
        self._reading = [
            asyncio.create_task(reader.run(), name=f"output of {context.name}") for reader in self._readers
        ]
        self._task = asyncio.create_task(self._supervise(), name=f"command {context.name} of run {context.run_id}")

    @property
    def result(self) -> StepResult | None:
        return self._result

    async def wait(self) -> StepResult:
        return await asyncio.shield(self._task)

    async def stop(self, grace_seconds: float) -> StepResult:
        self._stop_requested = True
        if not self._task.done():
            self._shim.stop(grace_seconds)
        return await self.wait()

    async def _supervise(self) -> StepResult:
        try:
            async for kind, rest in self._shim.reports():
                await self._handle(kind, rest)
            if not self._shim_done:
                await self._find_orphans(self._context.run_id, self._warn, session=self._session).kill()
            result = self._set_result(StepResult(error_message=_LOST))
            for reader in self._readers:
                reader.finish()
            await asyncio.gather(*self._reading)
            await self._interpreter.finish()
        finally:
            if self._drain is not None:
                self._drain.cancel()
            await self._shim.close()
        return result

    async def _handle(self, kind: str, rest: str) -> None:
        match kind:
            case "started":
                self._session = int(rest)
            case "refused":
                self._set_result(StepResult(error_message=short_error_message(self._context.output.mask(rest))))
            case "exited":
                self._set_result(_result_of(int(rest)))
            case "left":
                self._drain = asyncio.create_task(self._drain_output(), name=f"drain of {self._context.name}")
            case "unkillable":
                pid, _, name = rest.partition(" ")
                await self._warn(f"process {pid} ({name}) does not exit or may not be signalled; waiting for it")
            case "done":
                self._shim_done = True
            case _ if kind == FORGED and not self._has_forged:
                self._has_forged = True
                await self._warn(_FORGED)

    def _set_result(self, result: StepResult) -> StepResult:
        """Keep the first result."""
        self._result = self._result or result
        return self._result

    async def _drain_output(self) -> None:
        """Let processes that outlive the command finish writing, then terminate them."""
        loop = asyncio.get_running_loop()
        remaining = DRAIN_SECONDS
        deadline = loop.time() + MAX_DRAIN_SECONDS
        while remaining > 0 and loop.time() < deadline:
            began = loop.time()
            done, _ = await asyncio.wait(self._reading, timeout=_TICK_SECONDS)
            if len(done) == len(self._reading):
                break
            if not any(reader.is_waiting_for_output for reader in self._readers):
                remaining -= loop.time() - began
        if not self._stop_requested:
            self._shim.stop(ORPHAN_GRACE_SECONDS)
            await self._warn("command exited; terminating the processes it left behind")

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
