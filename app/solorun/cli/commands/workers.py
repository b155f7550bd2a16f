"""`solorun workers` and `solorun drain`: list the processes that execute runs, and let one begin no more of them."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected
from solorun.cli.completion import complete_workers
from solorun.cli.options import JsonOption
from solorun.cli.render.formatting import format_labels
from solorun.cli.render.terminal import Cell, write, write_list, write_result
from solorun.worker import WorkerState, WorkerStatus


@connected
async def workers(*, client: Client, json: JsonOption = False) -> None:
    """List the workers, and the runs that wait for one. With --json, one worker per line."""
    found = await client.list_workers()
    headings = ["WORKER", "STATE", "LABELS", "RUNNING", "RUNS", "STARTED", "LAST SEEN"]
    write_list(found.workers, headings, _row, none="No workers. Start one with: solorun worker", json=json)
    for run in found.waiting if not json else ():
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
    """Drain a worker, so that it takes no new runs. `solorun worker` exits when those in progress have ended."""
    drained = await client.drain_worker(worker)
    left = f"still executes {', '.join(map(str, drained.runs))}" if drained.runs else "executes none"
    text = f"Worker {drained.id} takes no new runs. It {left}."
    if drained.state is WorkerState.LOST:
        text = f"Worker {drained.id} is lost. It takes no new runs if it comes back."
    write_result(drained, text, json=json)


def _row(worker: WorkerStatus) -> list[Cell]:
    return [
        worker.id,
        worker.state,
        "all" if worker.labels is None else ", ".join(worker.labels),
        f"{len(worker.runs)}" if worker.capacity is None else f"{len(worker.runs)} of {worker.capacity}",
        ", ".join(map(str, worker.runs)) or "-",
        worker.started_at,
        worker.last_seen,
    ]
