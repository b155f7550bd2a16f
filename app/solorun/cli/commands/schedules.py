"""`solorun schedules`: list the schedules, with what is due next and what became of the last due time."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected
from solorun.cli.commands.firings import describe
from solorun.cli.completion import complete_projects
from solorun.cli.options import JsonOption
from solorun.cli.render.formatting import format_moment
from solorun.cli.render.terminal import write_list
from solorun.schedule import ScheduleSummary


@connected
async def schedules(
    project: Annotated[
        str | None,
        typer.Argument(metavar="[PROJECT]", help="Name of a project.", autocompletion=complete_projects),
    ] = None,
    *,
    client: Client,
    json: JsonOption = False,
) -> None:
    """List schedules with their next and last due times, in local time. With --json, one schedule per line."""
    found = await client.list_schedules(project)
    none = "No schedules. Declare one in a table [[projects.<name>.schedules]] of solorun.toml."
    headings = ["SCHEDULE", "CRON", "TIME ZONE", "NEXT", "LAST", "RESULT", "RUN"]
    write_list(found, headings, _row, none=none, json=json)


def _row(schedule: ScheduleSummary) -> list[str]:
    last = schedule.last_firing
    columns = [schedule.id, schedule.cron, schedule.timezone, _describe_next(schedule)]
    if last is None:
        return [*columns, "never", "", ""]
    return [*columns, format_moment(last.due_at), describe(last), str(last.run_id or "")]


def _describe_next(schedule: ScheduleSummary) -> str:
    if not schedule.enabled:
        return "disabled"
    if schedule.paused_at is not None:
        return f"paused by {schedule.paused_by}"
    return format_moment(schedule.next_due_at[0]) if schedule.next_due_at else "never"
