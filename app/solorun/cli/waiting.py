"""What commands say about a run that waits for a worker."""

from typing import TYPE_CHECKING

from solorun.cli.render.formatting import format_labels
from solorun.errors import SolorunError
from solorun.run import Run

if TYPE_CHECKING:
    from solorun.client import RunClient


async def describe_wait(client: "RunClient", run: Run) -> str:
    """`a worker with the label gpu; none is connected`. "" if the run does not wait for one."""
    if not run.waits_for_worker:
        return ""
    try:
        workers = (await client.list_workers()).workers
    except SolorunError:  # Perhaps the token may not list them.
        is_missing = False
    else:
        is_missing = not any(worker.can_begin(run.labels) for worker in workers)
    return f"a worker with {format_labels(run.labels)}{'; none is connected' if is_missing else ''}"
