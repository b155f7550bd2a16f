"""Records cancels, and ends the runs that no task has to stop: those that are queued or have just been promoted."""

import logging

from msgspec.structs import replace

from solorun.errors import RunNotActive, StoreUnavailable
from solorun.execution import RunHandle
from solorun.run import Cancel, Run, cancel_fields
from solorun.runs.dispatcher import Dispatcher
from solorun.status import Status, UpdateResult

_logger = logging.getLogger("solorun.runs")


async def record_cancel(
    dispatcher: Dispatcher, run_id: int, handle: RunHandle | None, cancel: Cancel
) -> tuple[Run, bool]:
    """Record the cancel of a run, whose work has heard of it if it has a handle here.

    Returns the run, and False if it had already been cancelled. Raises RunNotFound, RunNotActive, StoreUnavailable.
    """
    queue, registry, hub = dispatcher.queue, dispatcher.registry, dispatcher.executor.hub
    if handle is None and (handle := await registry.find_starting(run_id)) is not None:
        cancel = handle.request_cancel(cancel)
    if handle is None and (start := queue.find_start(run_id)) is not None:
        mask = dispatcher.executor.masker_for(start).mask
        cancel = replace(cancel, requested_by=mask(cancel.requested_by), reason=mask(cancel.reason))
    try:
        result, run = await dispatcher.store.request_cancel(run_id, cancel)
    except StoreUnavailable:
        # The cancel of a queued run may have been committed.
        queue.in_doubt = True
        registry.notify_released()
        raise
    finally:
        if handle is not None:
            handle.cancel_recorded.set()
    if result is UpdateResult.UPDATED:
        if run.has_ended:
            queue.end(run)
            registry.notify_released()
        elif handle is None and run_id in queue:
            registry.notify_released()  # It has just been promoted, and ends when it begins.
        elif handle is None:
            dispatcher.reaper.finalize_later(run, "no task works for it")
        elif run.cancel and (topic := hub.find(run_id)) is not None and not topic.run.has_ended:
            # The run's log may have published more about this cancel than the row had.
            known = topic.run.cancel or run.cancel
            hub.publish(run_id, **cancel_fields(replace(known, grace_seconds=run.cancel.grace_seconds)))
            run = topic.run
        _logger.info("%s: cancel requested by %s", run.label, cancel.requested_by, extra=run.log_fields)
        return run, True
    if run.status is Status.CANCELLED:
        return run, False
    raise RunNotActive(run)
