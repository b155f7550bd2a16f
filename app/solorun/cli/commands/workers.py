"""`solorun workers` and `solorun drain`: list the processes that execute runs, and let one begin no more of them."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected
from solorun.cli.completion import complete_workers
from solorun.cli.options import JsonOption
from solorun.cli.render.formatting import format_labels, format_moment
from solorun.cli.render.terminal import write, write_json, write_table
from solorun.worker import WorkerState, WorkerStatus


@connected
async def workers(*, client: Client, json: JsonOption = False) -> None:
    """List the processes that execute runs, and the runs that wait for one. With --json, one worker per line."""
    found = await client.list_workers()
    if json:
        write_json(found.workers)
        return
    if found.workers:
        write_table(
            ["WORKER", "STATE", "LABELS", "RUNNING", "RUNS", "STARTED", "LAST SEEN"], list(map(_row, found.workers))
        )
    else:
        write("No workers. Start one with: solorun worker\n")
    for run in found.waiting:
        write(f"Run {run.id} of {run.project} waits for a worker with {format_labels(run.labels)}.\n")


@connected
async def drain(
    worker: Annotated[
        str,
        typer.Argument(metavar="WORKER", help="A worker's id.", autocompletion=complete_workers),
    ],
    *,
    client: Client,
    json: JsonOption = False,
) -> None:
    """Let a worker begin no more runs. `solorun worker` exits when those in progress have ended."""
    drained = await client.drain_worker(worker)
    if json:
        write_json([drained])
    elif drained.state is WorkerState.LOST:
        write(f"Worker {drained.id} is lost. It begins no more runs if it comes back.\n")
    else:
        left = f"still executes {', '.join(map(str, drained.runs))}" if drained.runs else "executes none"
        write(f"Worker {drained.id} begins no more runs. It {left}.\n")


def _row(worker: WorkerStatus) -> list[str]:
    return [
        worker.id,
        worker.state,
        "all" if worker.labels is None else ", ".join(worker.labels),
        f"{len(worker.runs)}" if worker.capacity is None else f"{len(worker.runs)} of {worker.capacity}",
        ", ".join(map(str, worker.runs)) or "-",
        format_moment(worker.started_at),
        format_moment(worker.last_seen),
    ]
