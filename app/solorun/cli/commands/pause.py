"""`solorun pause`: start no more runs of a schedule until it is resumed."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected
from solorun.cli.options import JsonOption, ScheduleArgument
from solorun.cli.render.formatting import format_moment
from solorun.cli.render.terminal import write_result


@connected
async def pause(
    schedule: ScheduleArgument,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reason, shown with the schedule.")] = "",
    client: Client,
    json: JsonOption = False,
) -> None:
    """Pause a schedule: it starts no more runs until it is resumed, not even after a restart of the service."""
    paused = await client.pause_schedule(schedule, requested_by="cli", reason=reason)
    # It may have been paused before, by another person and for another reason.
    since = "" if paused.paused_at is None else f" since {format_moment(paused.paused_at)}"
    why = f": {paused.pause_reason}" if paused.pause_reason else ""
    text = f"{schedule} is paused by {paused.paused_by}{since}{why}. Resume it with: solorun resume {schedule}"
    write_result(paused, text, json=json)
