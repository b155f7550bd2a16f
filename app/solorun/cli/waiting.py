"""What commands say about a run that waits for a worker."""

from solorun.cli.client import Client
from solorun.cli.render.formatting import format_labels, format_moment
from solorun.errors import SolorunError
from solorun.run import Run


async def describe_wait(client: Client, run: Run) -> str:
    """`a worker with the label gpu; none is connected`. "" if the run does not wait for one."""
    if not run.waits_for_worker:
        return ""
    try:
        workers = (await client.list_workers()).workers
    except SolorunError:  # Perhaps the token may not list them.
        is_missing = False
    else:
        is_missing = not any(worker.can_begin(run.labels) for worker in workers)
    refused_by = ", ".join(refusal.worker for refusal in run.refusals)
    reason = "; none is connected" if is_missing else f"; refused by {refused_by}" if refused_by else ""
    return f"a worker with {format_labels(run.labels)}{reason}"


def describe_refusals(run: Run) -> list[str]:
    """`red-1 on 2026-11-23 14:05:31: …` for each worker that refused a run which has not begun."""
    refusals = () if run.started_at else run.refusals
    return [f"{refusal.worker} on {format_moment(refusal.refused_at)}: {refusal.reason}" for refusal in refusals]
