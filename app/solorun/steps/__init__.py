"""Executes steps: a command under a shim process, a coroutine on the service's event loop, a function in a thread.

A command: `command` starts its `command_arguments` in an `environment` under a shim (`shim/`, and `shim_process` on our
side), within `command_limits` and the `work_deadline`. `pipe_reader` reads what it prints, `line_splitter` makes lines
of it, and `levels` and `workflow_commands` interpret them. `telling_line` and `traceback_reader` find the line that
says why it failed; `exit_codes` puts the rest into words. `descent` tracks the command's processes and `orphans` kills
those whose shim has died; `process_names` names both in the log.

A coroutine: `coroutine` executes it, or a plain `function`. `printed_output` sends what it prints to the log.
`coroutine_commands` runs its commands, `coroutine_processes` ends what it leaves behind, `coroutine_stack` says where
it is, and `watchdog` detects that it blocks the event loop. `code_in_process` knows what is still running.

The service itself: `protection` hides its memory and environment from steps, and `rlimits` raises its limit of files.
"""

import logging
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from pathlib import Path

from solorun.project import CommandStep, Project, StepDeclaration
from solorun.step import StepContext, StepExecution, StepExecutor
from solorun.steps import code_in_process
from solorun.steps.command import start_command
from solorun.steps.command_limits import CommandLimits
from solorun.steps.coroutine import CoroutineExecution
from solorun.steps.coroutine_commands import CoroutineCommands
from solorun.steps.coroutine_processes import CoroutineProcesses
from solorun.steps.descent import DescentTracker, become_subreaper
from solorun.steps.environment import utf8_environment
from solorun.steps.orphans import SHIM_SECONDS, OrphanProcesses, select_by_environment
from solorun.steps.protection import protect_service, withdraw
from solorun.steps.watchdog import Watchdog
from solorun.steps.work_deadline import WorkDeadline

logger = logging.getLogger("solorun.steps")

__all__ = ["StepDispatcher", "WorkDeadline", "become_subreaper", "protect_service", "utf8_environment", "withdraw"]


@dataclass(eq=False, repr=False)
class StepDispatcher(StepExecutor):
    """Executes both kinds of steps. `environ` is the service's environment, `url` its address for commands.

    Commands run no longer than until the `deadline`, if there is one.

    `owns_process`: all children of this process belong to the service, not to a host application.

    Processes that escape a killed shim are found only if this process is a subreaper (`become_subreaper`).
    """

    data_dir: Path
    environ: Mapping[str, str]
    _: KW_ONLY
    url: str | None = None
    owns_process: bool = True
    watchdog: Watchdog = field(default_factory=Watchdog)
    limits: CommandLimits = field(default_factory=CommandLimits)
    deadline: WorkDeadline | None = None

    def __post_init__(self) -> None:
        self._tracker = DescentTracker()
        self._processes = CoroutineProcesses(
            self._tracker,
            owns_process=self.owns_process,
            unkillable_after_seconds=self.limits.unkillable_after_seconds,
        )

    async def start(self, project: Project, step: StepDeclaration, context: StepContext) -> StepExecution:
        start = partial(
            start_command,
            project,
            context,
            environ=self.environ,
            url=self.url,
            tracker=self._tracker,
            limits=self.limits,
            deadline=-1 if self.deadline is None else self.deadline.fd,
        )
        if isinstance(step, CommandStep):
            return start(step)
        commands = CoroutineCommands(lambda run: start(CommandStep(step.name, run)), project.cancel_grace_seconds)
        execution = CoroutineExecution(project, step, context, self.watchdog, commands, self._processes)
        code_in_process.track(self.data_dir, context.run_id, execution.is_running)
        return execution

    async def kill_orphans(self, run_id: int) -> None:
        async def warn(message: str) -> None:
            logger.warning("run %d: %s", run_id, message)

        await code_in_process.wait_until_ended(self.data_dir, run_id, warn)
        orphans = OrphanProcesses(
            select_by_environment(self.data_dir, run_id),
            warn,
            shim_seconds=SHIM_SECONDS,
            unkillable_after_seconds=self.limits.unkillable_after_seconds,
        )
        await orphans.kill()
