"""The contract between execution and step executors.

A step receives a StepContext and writes to a StepOutput, which a run's log channel implements. A StepExecutor starts a
step and returns a StepExecution, which can be awaited and stopped.
"""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from solorun.outcome import StepResult, StopEffect, StopReason
from solorun.project import CommandStep, Project, StepDeclaration
from solorun.queueing import Slots
from solorun.record import Level, Stream


class StepOutput(Protocol):
    """The destination of a step's output. All text is masked, and every call waits while the run's channel is full.

    No call fails because of its content: text that cannot be encoded is replaced. A cancelled call may have written
    some of its lines; these are kept. A message with line ends becomes several records, and one above 16 KiB several
    `partial` ones.
    """

    async def write(
        self, step: str, stream: Stream, lines: Sequence[str], *, level: Level = Level.INFO, partial: bool = False
    ) -> None:
        """Append one record per line, in order. `partial`: the last line continues in the step's next record."""

    async def progress(self, step: str, current: int, total: int | None, item: str = "") -> None:
        """Append a progress record and make it the run's current progress."""

    async def group(self, step: str, name: str, *, open: bool) -> None:
        """Append a record that opens or closes a group of records."""

    def add_mask(self, value: str) -> None:
        """Mask `value` from now on. Values under 5 characters are ignored: they would match all over the log."""

    def mask(self, text: str) -> str:
        """Return `text` with its secrets masked. Idempotent."""

    def pending_secret_length(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a secret. Hold them back until more text
        arrives. The cut before them is never inside a complete secret."""


class CommandFailed(Exception):
    """A command that a coroutine ran did not succeed. `exit_code` is None if it could not be started."""

    def __init__(self, message: str, exit_code: int | None) -> None:
        super().__init__(message)
        self.exit_code = exit_code


RunCommand = Callable[[tuple[str, ...]], Awaitable[StepResult]]
"""Returns when the command has ended. Cancelling the call stops the command, and waits until it has ended."""


@dataclass(frozen=True, slots=True)
class CommandObservation:
    """What an observer of a command adds to its environment, and what it calls with the result."""

    environ: Mapping[str, str] = field(default_factory=dict)
    end: Callable[[StepResult], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class StepContext:
    """A step's view of its run, and the logging API of coroutine steps.

    `workspace` is shared by all runs of the project. Files in `artifacts` belong to this run and can be downloaded.
    Both directories exist. `params` are the parameters of the start, each of its declared type; a list is a tuple.
    `slots` are the numbers of the slots that the run and the step hold, by resource. `report_position` takes where the
    step's work is when the step is asked to stop, outermost first: masked lines, without directories of the server.
    `rerun_of` is the run that this one repeats. `attempt` counts the attempts of the step, from 1.
    """

    project: str
    run_id: int
    scope: str
    name: str
    params: Mapping[str, Any]
    workspace: Path
    artifacts: Path
    output: StepOutput
    run_command: RunCommand | None = None
    rerun_of: int | None = None
    attempt: int = 1
    slots: Slots = field(default_factory=dict)
    report_position: Callable[[Sequence[str]], None] = lambda _: None
    observe_command: Callable[[CommandStep], CommandObservation] = lambda _: CommandObservation()

    async def log(self, message: str, level: Level | str = Level.INFO) -> None:
        """Log a message. Waits while the log is full. Never raises for its arguments: an unknown level means info."""
        try:
            known = Level(level)
        except ValueError:
            known = Level.INFO
        try:
            # Exactly a str: a subclass cannot be encoded as JSON, and its __str__ may return the subclass again.
            text = str.__str__(str(message))
        except Exception:  # noqa: BLE001 - a broken __str__ must not fail the step
            text = object.__repr__(message)
        await self.output.write(self.name, Stream.STEP, [text], level=known)

    async def progress(self, current: int, total: int | None = None, item: str = "") -> None:
        """Report progress: `current` of `total` (None if unknown), and the current item."""
        await self.output.progress(self.name, current, total, item)

    async def run(self, program: str | os.PathLike[str], *arguments: str | os.PathLike[str]) -> None:
        """Run a command as a command step does: its output goes to the log, and it ends with the run.

        Returns when it has exited with code 0. Raises CommandFailed if it could not be started, or ended otherwise. If
        this call is cancelled, the command gets SIGTERM, and after the project's grace SIGKILL.
        """
        if self.run_command is None:
            raise RuntimeError("only the coroutine of a step can run commands")
        command = tuple(os.fspath(word) for word in (program, *arguments))
        result = await self.run_command(command)
        if result.error_message is not None:
            raise CommandFailed(f"{Path(program).name}: {result.error_message}", result.exit_code)


@dataclass(slots=True)
class StepObservation:
    """An attempt of a step that is observed. What came of it is set before its observation ends.

    `stopped_for` is None if it ended by itself.
    """

    context: StepContext
    result: StepResult | None = None
    stopped_for: StopReason | None = None


class StepExecution(Protocol):
    """One running step."""

    @property
    def result(self) -> StepResult | None:
        """The result, or None while the step is running. Once set, it settles races with stops: only its error message
        may change, until the step has ended."""

    @property
    def stop_effect(self) -> StopEffect | None:
        """What the step did after `stop`. None until it has ended, and if it ended without a stop."""

    async def wait(self) -> StepResult:
        """Wait until the step has ended and all its output is in the channel.

        Cancelling this call does not affect the step; wait and stop may be called again.
        """

    async def stop(self, grace_seconds: float) -> StepResult:
        """Stop the step, and return only when it has ended and all its output is in the channel.

        Reports to the context where the work is, if that is known. After the grace, a command's processes are killed,
        and a coroutine is cancelled again every second. While the step cannot be stopped, this keeps waiting and logs a
        warning with the reason. Idempotent; a second call with a shorter grace shortens it. Cancelling this call does
        not cancel the stop.
        """


class StepExecutor(Protocol):
    """Starts steps, and kills the processes that earlier ones left behind."""

    async def start(self, project: Project, step: StepDeclaration, context: StepContext) -> StepExecution:
        """Start the step.

        A step that cannot start (no such program, no such directory) returns an execution with a failed result. This
        raises only for errors of the service. Cancelling this call leaves nothing behind.
        """

    async def kill_orphans(self, run_id: int) -> None:
        """Return when no process of a run that belonged to an earlier service is alive.

        Gives the run's shims a moment to kill their processes, then kills every process that names this data directory
        and run in its environment.
        """
