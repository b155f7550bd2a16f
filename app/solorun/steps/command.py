"""Command steps: runs a process under a shim, sends its output to the log and kills its whole process tree."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from solorun.outcome import StepResult, StopEffect, short_error_message
from solorun.project import CommandStep, Project
from solorun.record import Level, Stream
from solorun.step import StepContext, StepExecution
from solorun.steps.command_arguments import open_arguments
from solorun.steps.command_limits import CommandLimits
from solorun.steps.descent import DescentTracker
from solorun.steps.environment import command_environment
from solorun.steps.exit_codes import count_memory_kills, result_of
from solorun.steps.orphans import OrphanProcesses
from solorun.steps.pipe_reader import PipeReader
from solorun.steps.process_names import format_process_tree, format_processes
from solorun.steps.shim.processes import Process, find_descendants, list_processes
from solorun.steps.shim_process import FORGED, ShimProcess
from solorun.steps.telling_line import TellingLine
from solorun.steps.workflow_commands import WorkflowCommandInterpreter

ORPHAN_GRACE_SECONDS: Final = 0.5
_TICK_SECONDS: Final = 0.05
_LOST: Final = "shim lost: the process that supervised the command was killed"
_EXPIRED: Final = "killed, because this process could not renew its lease of the run in time"
_FORGED: Final = "the command wrote to the pipes of its shim; that is ignored"
_RESUMED: Final = "the shim was stopped by a signal; continuing it"
_UNRESPONSIVE: Final = "the shim does not answer; killing its processes without it"
_MAX_UNANSWERED_PINGS: Final = 30
_MAX_UNANSWERED_PINGS_WHILE_STOPPED: Final = 5


def start_command(
    project: Project,
    context: StepContext,
    step: CommandStep,
    *,
    environ: Mapping[str, str],
    url: str | None,
    tracker: DescentTracker,
    limits: CommandLimits,
    deadline: int,
) -> StepExecution:
    """Start a command. If it cannot be started, the execution has already ended with a failed result."""
    if not project.directory.is_dir():
        return EndedExecution(StepResult(error_message=f"no such directory: {project.directory.name}"))
    observation = context.observe_command(step)
    older = tracker.find_children()
    try:
        with open_arguments(step) as (argv, inherited):
            shim = ShimProcess.start(
                argv,
                project.directory,
                {**command_environment(environ, project, context, url=url, tty=step.tty), **observation.environ},
                inherited=inherited,
                deadline=deadline,
                merge_stderr=step.stderr == "merge",
                tty=step.tty,
            )
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        result = StepResult(error_message=short_error_message(f"could not be started: {reason}"))
        observation.end(result)
        return EndedExecution(result)
    execution = CommandExecution(shim, step, context, tracker, limits)
    execution.on_end(observation.end)
    tracker.add(shim.pid, older, on_stopped=execution.resume_shim)
    return execution


@dataclass(frozen=True, slots=True)
class EndedExecution:
    """The StepExecution of a step that could not be started."""

    result: StepResult
    stop_effect: StopEffect | None = None

    async def wait(self) -> StepResult:
        return self.result

    async def stop(self, grace_seconds: float) -> StepResult:  # noqa: ARG002
        return self.result


@dataclass(eq=False, repr=False)
class CommandExecution:
    """The StepExecution of a running command.

    Its result is set when it exits; it has ended when all of its processes have exited. The error message of its result
    is complete when it has ended.
    """

    shim: ShimProcess
    step: CommandStep
    context: StepContext
    tracker: DescentTracker
    limits: CommandLimits

    def __post_init__(self) -> None:
        context = self.context
        self.result: StepResult | None = None
        self._session: int = -1
        self._memory_kills = count_memory_kills()
        self._stop_requested = False
        self._stop_effect = StopEffect.STOPPED
        self._has_position = False
        self._shim_done = False
        self._has_forged = False
        self._has_answered = False
        self._resuming: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._drain: asyncio.Task[None] | None = None
        self._interpreter = WorkflowCommandInterpreter(context.name, context.output)
        self._telling_line = TellingLine()
        self._readers = [
            PipeReader(
                fd, stream, context, self._interpreter, self._telling_line, detects_levels=self.step.detect_levels
            )
            for fd, stream in ((self.shim.stdout, Stream.STDOUT), (self.shim.stderr, Stream.STDERR))
            if fd is not None
        ]
        self._reading = [
            asyncio.create_task(reader.run(), name=f"output of {context.name}") for reader in self._readers
        ]
        self._task = asyncio.create_task(self._supervise(), name=f"command {context.name} of run {context.run_id}")

    @property
    def stop_effect(self) -> StopEffect | None:
        return self._stop_effect if self._stop_requested and self._task.done() else None

    def on_end(self, call: Callable[[StepResult], None]) -> None:
        """Call with the result when the command has ended."""
        self._task.add_done_callback(lambda task: None if task.cancelled() or task.exception() else call(task.result()))

    async def wait(self) -> StepResult:
        return await asyncio.shield(self._task)

    async def stop(self, grace_seconds: float) -> StepResult:
        if not self._task.done():
            self._stop_requested = True
            self._stop_shim(grace_seconds)
        return await self.wait()

    def resume_shim(self) -> None:
        """Continue a shim that the command has stopped with SIGSTOP, and log that once."""
        self.shim.send_signal(signal.SIGCONT)
        if self._resuming is None:
            self._resuming = asyncio.create_task(self._warn(_RESUMED), name=f"warning of {self.context.name}")

    async def _supervise(self) -> StepResult:
        try:
            async for kind, rest in self.shim.reports():
                await self._handle(kind, rest)
            await self.shim.wait_for_exit()
            if not self._shim_done or self.tracker.has_orphans(self.shim.pid):
                self._note_effect(StopEffect.KILLED)
                await self._kill_orphans()
            result = self._set_result(StepResult(error_message=_LOST))
            for reader in self._readers:
                reader.finish()
            await asyncio.gather(*self._reading)
            await self._interpreter.finish()
            result = self.result = self._explain(result)
        finally:
            for task in (self._drain, self._watching):
                if task is not None:
                    task.cancel()
            await self.shim.close()
            self.tracker.remove(self.shim.pid)
        if self._resuming is not None:
            await asyncio.wait([self._resuming])
        return result

    async def _handle(self, kind: str, rest: str) -> None:
        self._has_answered = self._has_answered or kind != FORGED
        match kind:
            case "started":
                self._session = int(rest)
            case "refused":
                self._set_result(StepResult(error_message=short_error_message(self.context.output.mask(rest))))
            case "exited":
                ran_out = count_memory_kills() > self._memory_kills
                self._set_result(result_of(int(rest), kernel_ran_out_of_memory=ran_out))
            case "expired":
                self._set_result(StepResult(error_message=_EXPIRED))
            case "left":
                self._drain = asyncio.create_task(self._drain_output(), name=f"drain of {self.context.name}")
            case "terminating" | "killing":
                if kind == "killing":
                    self._note_effect(StopEffect.KILLED)
                if self._stop_requested and not self._has_position:
                    self._has_position = True
                    self.context.report_position(format_process_tree(rest, self.context.output))
            case "unkillable":
                self._note_effect(StopEffect.IGNORED)
                pid, _, name = rest.partition(" ")
                await self._warn(f"process {pid} ({name}) does not exit or may not be signalled; waiting for it")
            case "done":
                self._shim_done = True
            case _ if kind == FORGED and not self._has_forged:
                self._has_forged = True
                await self._warn(_FORGED)

    def _stop_shim(self, grace_seconds: float) -> None:
        self.shim.stop(grace_seconds)
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch_shim(), name=f"shim of {self.context.name}")

    async def _watch_shim(self) -> None:
        """Make sure that the shim works while it stops the command, and kill it if it does not answer."""
        unanswered = 0
        stopped = 0
        while unanswered < _MAX_UNANSWERED_PINGS and stopped < _MAX_UNANSWERED_PINGS_WHILE_STOPPED:
            # Pings are counted, not seconds: while the service is frozen, nothing counts.
            self._has_answered = False
            self.shim.ping()
            was_stopped = self.tracker.is_stopped(self.shim.pid)
            if was_stopped:
                self.resume_shim()
            await asyncio.sleep(self.limits.ping_seconds)
            unanswered = 0 if self._has_answered else unanswered + 1
            stopped = stopped + was_stopped if unanswered else 0
        await self._warn(_UNRESPONSIVE)
        self.shim.send_signal(signal.SIGKILL)

    async def _kill_orphans(self) -> None:

        async def select(processes: list[Process]) -> list[Process]:
            orphans = self.tracker.find_orphans(self.shim.pid, processes)
            return orphans + [process for process in processes if process.session in (self._session, self.shim.pid)]

        orphans = OrphanProcesses(
            select,
            self._warn,
            session=self._session,
            unkillable_after_seconds=self.limits.unkillable_after_seconds,
        )
        await orphans.kill()
        self.tracker.reap_orphans(self.shim.pid)

    def _note_effect(self, effect: StopEffect) -> None:
        if self._stop_effect is not StopEffect.IGNORED:
            self._stop_effect = effect

    def _set_result(self, result: StepResult) -> StepResult:
        """Keep the first result."""
        self.result = self.result or result
        return self.result

    def _explain(self, result: StepResult) -> StepResult:
        """Add the most telling line of the output, unless it would only say that the command was stopped."""
        line = self.context.output.mask(self._telling_line.text)
        if not line or self._stop_requested or not result.exit_code:
            return result
        return replace(result, error_message=short_error_message(f"{result.error_message}: {line}"))

    async def _drain_output(self) -> None:
        """Give processes that outlive the command some time to exit by themselves, then name and terminate them.

        This is cancelled when none is left.
        """
        loop = asyncio.get_running_loop()
        remaining = self.limits.drain_seconds
        deadline = loop.time() + self.limits.max_drain_seconds
        while remaining > 0 and loop.time() < deadline:
            began = loop.time()
            await asyncio.sleep(_TICK_SECONDS)
            if not any(reader.is_waiting_for_output for reader in self._readers):
                remaining -= loop.time() - began
        if not self._stop_requested:
            left = find_descendants({self.shim.pid}, await asyncio.to_thread(list_processes))
            names = format_processes(left, self.context.output.mask)
            self._stop_shim(ORPHAN_GRACE_SECONDS)
            await self._warn(f"command exited; terminating the processes it left behind{names and ': '}{names}")

    async def _warn(self, message: str) -> None:
        await self.context.output.write(self.context.name, Stream.SOLORUN, [message], level=Level.WARNING)
