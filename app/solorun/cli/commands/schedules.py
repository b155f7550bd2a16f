"""`solorun schedules`, `firings`, `pause`, `resume` and `trigger`: when schedules start runs, and the results."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected
from solorun.cli.completion import complete_projects, complete_schedules
from solorun.cli.options import JsonOption, ScheduleArgument, limit_option
from solorun.cli.render.formatting import format_moment, format_origin
from solorun.cli.render.messages import print_note
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import Cell, write_list, write_result
from solorun.cli.starting import Starting
from solorun.project import describe_outdated
from solorun.schedule import Firing, FiringTrigger, ScheduleSummary, project_of

_MAX_FIRINGS = 1000


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
    """List schedules with their next and last due times. With --json, one schedule per line."""
    found = await client.list_schedules(project)
    if not found:
        faults = dict.fromkeys(f for each in (await client.list_projects()).projects for f in each.configuration_faults)
        for fault in faults:
            print_note(describe_outdated(fault))
    none = "No schedules. Declare one in a table [[projects.<name>.schedules]] of solorun.toml."
    headings = ["SCHEDULE", "CRON", "TIME ZONE", "NEXT", "LAST", "RESULT", "RUN"]
    write_list(found, headings, _schedule_row, none=none, json=json)


def _schedule_row(schedule: ScheduleSummary) -> list[Cell]:
    last = schedule.last_firing
    columns: list[Cell] = [schedule.id, schedule.cron, schedule.timezone, _describe_next(schedule)]
    if last is None:
        return [*columns, "never", "-", "-"]
    return [*columns, last.due_at, _describe(last), str(last.run_id or "")]


def _describe_next(schedule: ScheduleSummary) -> Cell:
    if not schedule.enabled:
        return "disabled"
    if schedule.paused_by is not None:
        return f"paused {format_origin(schedule.paused_by)}"
    return schedule.next_due_at[0] if schedule.next_due_at else "never"


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
    """List firings, newest first. Each is the result of a due time or of a manual run.

    With --json, one firing per line.
    """
    found = (await client.list_firings(schedule, limit=limit)).firings
    write_list(found, ["SCHEDULE", "DUE", "RESULT", "RUN", "REASON"], _firing_row, none="No firings.", json=json)


def _describe(firing: Firing) -> str:
    """Its result: `completed`, `completed, manual`, `failed, late`, `refused`."""
    result = str(firing.run_status or firing.outcome)
    if firing.trigger is FiringTrigger.MANUAL:
        result += ", manual"
    return f"{result}, late" if firing.late else result


def _firing_row(firing: Firing) -> list[Cell]:
    run = "-" if firing.run_id is None else str(firing.run_id)
    return [
        firing.schedule,
        firing.due_at,
        _describe(firing),
        f"{run} (deleted)" if firing.run_deleted else run,
        sanitize(firing.reason or "-"),
    ]


@connected
async def pause(
    schedule: ScheduleArgument,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reason, shown with the schedule.")] = "",
    client: Client,
    json: JsonOption = False,
) -> None:
    """Pause a schedule until it is resumed. It starts no runs, not even after a restart of the service."""
    paused = await client.pause_schedule(schedule, requested_by="cli", reason=reason)
    # It may have been paused before, by another person and for another reason.
    at = "" if paused.paused_at is None else f" on {format_moment(paused.paused_at)}"
    why = f": {paused.pause_reason}" if paused.pause_reason else ""
    origin = format_origin(paused.paused_by or "cli")
    text = f"{schedule} was paused {origin}{at}{why}. Resume it with: solorun resume {schedule}"
    write_result(paused, text, json=json)


@connected
async def resume(schedule: ScheduleArgument, *, client: Client, json: JsonOption = False) -> None:
    """Resume a paused schedule. What was due during the pause is not caught up."""
    resumed = await client.resume_schedule(schedule, requested_by="cli")
    due = f", next at {format_moment(resumed.next_due_at[0])}" if resumed.next_due_at else ""
    write_result(resumed, f"{schedule} is resumed{due}.", json=json)


@connected
async def trigger(schedule: ScheduleArgument, *, starting: Starting) -> None:
    """Run SCHEDULE now, even if it is paused. The run has the schedule's scope and parameters.

    Exits with 3 if the project or a resource is taken.
    """
    check = f"solorun runs {project_of(schedule)}"
    await starting.start(starting.client.run_schedule, schedule, check=check)
