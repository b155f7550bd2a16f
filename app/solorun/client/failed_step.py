"""Finds in the log of a run what its row has no field for: the command and the first error of the step that ended it.

What other steps and earlier attempts wrote did not end the run.
"""

from solorun.client.run_client import RunClient
from solorun.record import Event, Level, Record
from solorun.run import Run, RunStep
from solorun.status import StepStatus

_ENDED_THE_RUN = (StepStatus.FAILED, StepStatus.INTERRUPTED)


def failed_step_of(run: Run) -> RunStep | None:
    """The step that ended the run. None if no step failed."""
    return next((step for step in run.steps if step.status in _ENDED_THE_RUN), None)


async def find_failed_command(client: RunClient, run: Run) -> str | None:
    """None if no step failed, if the step is a Python function, and in logs of versions that did not record it."""
    step = failed_step_of(run)
    if step is None or step.first_seq is None:
        return None
    # A record that the step waits for resources may precede the one that it started.
    page = await client.get_log_page(run.id, after=_start_of(step) - 1, limit=2, step=step.name, events=[Event.STEP])
    commands = ((record.data or {}).get("command") for record in page.records)
    return next((command for command in commands if isinstance(command, str)), None)


async def find_first_error(client: RunClient, run: Run) -> Record | None:
    """The first error of the last attempt of the step that failed, or of the run if no step did."""
    if run.first_error_seq is None:
        return None
    step = failed_step_of(run)
    if step is None or run.first_error_seq >= _start_of(step):
        page = await client.get_log_page(run.id, after=run.first_error_seq - 1, limit=1)
    else:
        after = _start_of(step) - 1
        page = await client.get_log_page(run.id, after=after, limit=1, step=step.name, level=Level.ERROR)
    return page.records[0] if page.records else None


def _start_of(step: RunStep) -> int:
    """The seq of the first record of its last attempt."""
    return (step.attempts[-1].first_seq if step.attempts else None) or step.first_seq or 1
