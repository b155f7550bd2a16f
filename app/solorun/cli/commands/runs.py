"""`solorun runs`: list the runs of all projects, or of one, newest first."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected
from solorun.cli.completion import complete_projects, complete_runs
from solorun.cli.options import JsonOption, choice_option, limit_option
from solorun.cli.param_types import whole_number
from solorun.cli.render.formatting import format_elapsed
from solorun.cli.render.terminal import Cell, write_list
from solorun.run import Run
from solorun.status import Status

_PAGE_SIZE = 200


@connected
async def runs(
    project: Annotated[
        str | None,
        typer.Argument(metavar="PROJECT", help="Only runs of this project.", autocompletion=complete_projects),
    ] = None,
    *,
    status: Annotated[
        list[Status] | None, choice_option(Status, "STATUS", "Only runs with this status (repeatable)")
    ] = None,
    rerun_of: Annotated[
        int | None,
        typer.Option(
            metavar="RUN", parser=whole_number(0), help="Only the reruns of this run.", autocompletion=complete_runs
        ),
    ] = None,
    limit: Annotated[int, limit_option("runs")] = 20,
    client: Client,
    json: JsonOption = False,
) -> None:
    """List runs, newest first. With --json, one run per line."""
    found: list[Run] = []
    cursor = None
    while len(found) < limit:
        page_size = min(limit - len(found), _PAGE_SIZE)
        page = await client.list_run_page(
            project, statuses=status or (), rerun_of=rerun_of, limit=page_size, cursor=cursor
        )
        found.extend(page.runs)
        cursor = page.next_cursor
        if cursor is None:
            break
    headings = ["RUN", "PROJECT", "SCOPE", "STATUS", "CREATED", "DURATION", "TRIGGERED BY"]
    write_list(found, headings, _row, none="No runs.", json=json)


def _row(run: Run) -> list[Cell]:
    return [str(run.id), run.project, run.scope, run.status, run.created_at, format_elapsed(run), run.triggered_by]
