"""The contract between the engine and the ways of executing a step.

A step is given a StepContext and speaks through a StepOutput (which a run's log channel satisfies). A StepExecutor
starts a step; the StepExecution that it returns is waited for, and told to stop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from solorun.outcome import StepResult
from solorun.project import Project, StepDeclaration
from solorun.record import Level, Stream


class StepOutput(Protocol):
    """Where a step's output goes. Every text is masked on its way; every call waits while the run's channel is full.

    No call ever ends the work by failing: what cannot be said is said differently. A cancelled call may have written
    a part of its lines; what it wrote is kept. A message that holds line ends becomes several records, one above
    16 KiB several `partial` ones.
    """

    async def write(
        self,
        step: str,
        stream: Stream,
        lines: Sequence[str],
        *,
        level: Level = Level.INFO,
        partial: bool = False,
    ) -> None:
        """Append one record per line, in order. `partial`: the last line goes on in the step's next record."""
        ...

    async def progress(self, step: str, current: int, total: int | None, item: str = "") -> None:
        """Append a progress record; it becomes the run's progress."""
        ...

    async def group(self, step: str, name: str, *, open: bool) -> None:
        """Append a record that begins or ends a group of records."""
        ...

    def add_mask(self, value: str) -> None:
        """Mask `value` from now on (values under 5 characters are not: they would mask the whole log)."""
        ...

    def mask(self, text: str) -> str:
        """`text` without secrets. Masking what is masked changes nothing."""
        ...

    def pending_secret_length(self, text: str) -> int:
        """How many characters at the end of `text` may belong to a secret that is not whole: keep these until more
        comes. The cut before them never lies inside a whole secret."""
        ...


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step knows of its run, and how a coroutine step speaks.

    `workspace` is kept between the project's runs; files left in `artifacts` belong to this run and can be
    downloaded. Both exist. `params` are those that the start gave.
    """

    project: str
    run_id: int
    scope: str
    name: str
    params: Mapping[str, str]
    workspace: Path
    artifacts: Path
    output: StepOutput

    async def log(self, message: str, level: Level | str = Level.INFO) -> None:
        """Say something. Waits while the log is behind; never raises for what is said (an unknown level is info)."""
        try:
            known = Level(level)
        except ValueError:
            known = Level.INFO
        try:
            # Exactly a str: a subclass of it has no JSON, and may have a __str__ that answers itself.
            text = str.__str__(str(message))
        except Exception:  # noqa: BLE001 - a broken __str__ is no reason for the work to fail
            text = object.__repr__(message)
        await self.output.write(self.name, Stream.STEP, [text], level=known)

    async def progress(self, current: int, total: int | None = None, item: str = "") -> None:
        """Say how far the step is: `current` of `total` (None when unknown), and what it works on."""
        await self.output.progress(self.name, current, total, item)


class StepExecution(Protocol):
    """One step being executed."""

    @property
    def result(self) -> StepResult | None:
        """How the step ended, None while it works. Once set it never changes: it decides what came first."""
        ...

    async def wait(self) -> StepResult:
        """Wait until the step has ended and all its output is in the channel.

        Being cancelled here does not touch the step; wait and stop may be called again.
        """
        ...

    async def stop(self, grace_seconds: float) -> StepResult:
        """Tell the step to stop, and return only when it has ended and its output is in the channel.

        After the grace a command's processes are killed; a coroutine is told again each second. When the step cannot
        be ended it stays here, with warning records that say why. Idempotent; a second call with a shorter grace
        shortens it. Being cancelled here leaves the stopping under way.
        """
        ...


class StepExecutor(Protocol):
    """A way of executing steps."""

    async def start(self, project: Project, step: StepDeclaration, context: StepContext) -> StepExecution:
        """Begin to execute the step.

        A step that cannot begin (no such program, no such directory) is an execution that ends with a failing result
        by itself: this raises only for faults of the service. Being cancelled here leaves nothing behind.
        """
        ...

    async def kill_orphans(self, run_id: int) -> None:
        """Make sure that no process of an earlier owner's run is alive: returns when none is.

        Waits shortly for runners that are still ending their processes, then ends what names this data directory and
        run in its environment.
        """
        ...
