"""Finds the command of the step that ended a run. A run has no field for it: its log has the command as it was then."""

from solorun.client.run_client import RunClient
from solorun.record import Event
from solorun.run import Run
from solorun.status import StepStatus

_ENDED_THE_RUN = (StepStatus.FAILED, StepStatus.INTERRUPTED)


async def find_failed_command(client: RunClient, run: Run) -> str | None:
    """None if no step failed, if the step is a Python function, and in logs of versions that did not record it."""
    step = next((step for step in run.steps if step.status in _ENDED_THE_RUN), None)
    if step is None or step.first_seq is None:
        return None
    begun = step.attempts[-1].first_seq if step.attempts else None
    # A record that the step waits for resources may precede the one that it started.
    after = (begun or step.first_seq) - 1
    page = await client.get_log_page(run.id, after=after, limit=2, step=step.name, events=[Event.STEP])
    commands = ((record.data or {}).get("command") for record in page.records)
    return next((command for command in commands if isinstance(command, str)), None)
