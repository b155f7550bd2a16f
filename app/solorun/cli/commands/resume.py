"""`solorun resume`: let a paused schedule start runs again."""

from solorun.cli.client import Client, connected
from solorun.cli.options import JsonOption, ScheduleArgument
from solorun.cli.render.formatting import format_moment
from solorun.cli.render.terminal import write_result


@connected
async def resume(schedule: ScheduleArgument, *, client: Client, json: JsonOption = False) -> None:
    """Resume a paused schedule. What was due during the pause is not caught up."""
    resumed = await client.resume_schedule(schedule, requested_by="cli")
    due = f", next at {format_moment(resumed.next_due_at[0])}" if resumed.next_due_at else ""
    write_result(resumed, f"{schedule} is resumed{due}.", json=json)
