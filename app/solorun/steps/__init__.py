"""Ways of executing a step: a command under a runner process, a coroutine in the service's own loop."""

import logging
from collections.abc import Mapping
from pathlib import Path

from solorun.project import CommandStep, Project, StepDeclaration
from solorun.step import StepContext, StepExecution, StepExecutor
from solorun.steps.command import start_command
from solorun.steps.coroutine import CoroutineExecution
from solorun.steps.orphans import OrphanProcesses
from solorun.steps.subreaper import become_subreaper
from solorun.steps.watchdog import Watchdog

logger = logging.getLogger(__name__)

__all__ = ["StepDispatcher", "become_subreaper"]


class StepDispatcher(StepExecutor):
    """Executes steps of every kind. `environ` is the service's environment, `data_dir` its data directory."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._environ = dict(environ)
        self._watchdog = Watchdog()

    async def start(self, project: Project, step: StepDeclaration, context: StepContext) -> StepExecution:
        if isinstance(step, CommandStep):
            return start_command(project, step, context, data_dir=self._data_dir, environ=self._environ)
        return CoroutineExecution(project, step, context, self._watchdog)

    async def kill_orphans(self, run_id: int) -> None:
        async def warn(message: str) -> None:
            logger.warning("of run %d: %s", run_id, message)

        await OrphanProcesses(self._data_dir, run_id, warn).end()
