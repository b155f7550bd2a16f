"""`solorun firings`: what became of the due times and manual runs of schedules."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected
from solorun.cli.completion import complete_schedules
from solorun.cli.options import JsonOption, limit_option
from solorun.cli.render.formatting import format_moment
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import write_list
from solorun.schedule import Firing, FiringTrigger

_MAX_FIRINGS = 1000


@connected
async def firings(
    schedule: Annotated[
        str | None,
        typer.Argument(metavar="[SCHEDULE]", help="Id of a schedule.", autocompletion=complete_schedules),
    ] = None,
    *,
    limit: Annotated[int, limit_option("firings", _MAX_FIRINGS)] = 20,
    client: Client,
    json: JsonOption = False,
) -> None:
    """List what became of due times and manual runs, newest first. With --json, one firing per line."""
    found = (await client.list_firings(schedule, limit=limit)).firings
    write_list(found, ["SCHEDULE", "DUE", "RESULT", "RUN", "REASON"], _row, none="No firings.", json=json)


def describe(firing: Firing) -> str:
    """What became of it: `completed`, `completed, manual`, `failed, late`, `refused`."""
    result = str(firing.run_status or firing.outcome)
    if firing.trigger is FiringTrigger.MANUAL:
        result += ", manual"
    return f"{result}, late" if firing.late else result


def _row(firing: Firing) -> list[str]:
    run = "-" if firing.run_id is None else str(firing.run_id)
    return [
        firing.schedule,
        format_moment(firing.due_at),
        describe(firing),
        f"{run} (deleted)" if firing.run_deleted else run,
        sanitize(firing.reason or "-"),
    ]
