"""Settles the runs of owners that are gone: makes sure that nothing of them works any more, then says interrupted."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

import anyio

from solorun.outcome import Outcome
from solorun.run import Run
from solorun.status import ACTIVE, Status
from solorun.step import StepExecutor
from solorun.store import FinalState, RunStore

_MESSAGE: Final = "the service stopped while the run was active; how the work ended is unknown"

_logger = logging.getLogger("solorun.runs")


async def recover(store: RunStore, executor: StepExecutor, *, owner: str, now: Callable[[], datetime]) -> list[Run]:
    """Settle every active run of another owner, and answer them as they were. Nothing else may be started meanwhile.

    The order matters: the row keeps its project until the processes are gone.
    """
    orphaned = await store.list_orphaned_runs(owner)

    async def settle(run: Run) -> None:
        await executor.kill_orphans(run.id)
        ending = FinalState(Outcome(Status.INTERRUPTED, _MESSAGE), now())
        await store.finalize_run(run.id, owner=None, expected=ACTIVE, ending=ending)
        _logger.warning(
            "Run %s of %s was %s when the service stopped; it is interrupted", run.id, run.project, run.status
        )

    async with anyio.create_task_group() as task_group:
        for run in orphaned:
            task_group.start_soon(settle, run)
    return orphaned
