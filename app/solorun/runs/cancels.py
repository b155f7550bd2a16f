"""Records cancels, and ends the runs that no task has to stop: those that are queued or have just been promoted."""

import logging
from dataclasses import dataclass

from msgspec.structs import replace

from solorun.errors import RunNotActive, RunNotFound, StoreUnavailable
from solorun.execution import RunExecutor, RunHandle, RunRegistry
from solorun.logs import Hub
from solorun.run import Cancel, Run, cancel_fields
from solorun.runs.queue import RunQueue
from solorun.runs.reaper import Reaper
from solorun.status import Status, UpdateResult
from solorun.store import RunStore

_logger = logging.getLogger("solorun.runs")


@dataclass(frozen=True, eq=False)
class Cancels:
    """Cancels of all runs. Stopping the work is the job of the run's cancel scope."""

    store: RunStore
    hub: Hub
    registry: RunRegistry
    executor: RunExecutor
    reaper: Reaper
    queue: RunQueue

    async def record(self, run_id: int, handle: RunHandle | None, cancel: Cancel) -> tuple[Run, bool]:
        """Record the cancel of a run, whose work has heard of it if it has a handle here.

        Returns the run, and False if it had already been cancelled. Raises RunNotFound, RunNotActive, StoreUnavailable.
        """
        if handle is None and (handle := await self.registry.find_starting(run_id)) is not None:
            cancel = handle.request_cancel(cancel)
        if handle is None and (start := self.queue.find_start(run_id)) is not None:
            mask = self.executor.masker_for(start).mask
            cancel = replace(cancel, requested_by=mask(cancel.requested_by), reason=mask(cancel.reason))
        try:
            result, run = await self.store.request_cancel(run_id, cancel)
        except StoreUnavailable:
            # The cancel of a queued run may have been committed.
            self.queue.in_doubt = True
            self.registry.notify_released()
            raise
        finally:
            if handle is not None:
                handle.cancel_recorded.set()
        if result is UpdateResult.NOT_FOUND:
            raise RunNotFound(f"There is no run {run_id}.")
        if result is UpdateResult.UPDATED:
            if run.has_ended:
                self.queue.end(run)
                self.registry.notify_released()
            elif handle is None and run_id in self.queue:
                self.registry.notify_released()  # It has just been promoted, and ends when it begins.
            elif handle is None:
                self.reaper.finalize_later(run, "no task works for it")
            elif run.cancel and (topic := self.hub.find(run_id)) is not None and not topic.run.has_ended:
                # The run's log may have published more about this cancel than the row had.
                known = topic.run.cancel or run.cancel
                self.hub.publish(run_id, **cancel_fields(replace(known, grace_seconds=run.cancel.grace_seconds)))
                run = topic.run
            _logger.info("%s: cancel requested by %s", run.label, cancel.requested_by, extra=run.log_fields)
            return run, True
        if run.status is Status.CANCELLED:
            return run, False
        raise RunNotActive(run)
