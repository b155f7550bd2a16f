"""`solorun trigger`: start a run of a schedule now."""

from solorun.cli.client import Client, connected, note_if_interrupted
from solorun.cli.options import JsonOption, RawOption, ScheduleArgument
from solorun.cli.starting import (
    FollowOption,
    IdempotencyKeyOption,
    OnConflictOption,
    QuietOption,
    TriggeredByOption,
    check_quiet,
    note_retry,
    show_started,
)
from solorun.schedule import project_of


@connected
async def trigger(
    schedule: ScheduleArgument,
    *,
    on_conflict: OnConflictOption = None,
    triggered_by: TriggeredByOption = "cli",
    idempotency_key: IdempotencyKeyOption = None,
    follow: FollowOption = False,
    client: Client,
    json: JsonOption = False,
    raw: RawOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run SCHEDULE now, with its scope and parameters, even if it is paused.

    Exits with 3 if the project or a resource is taken.
    """
    check_quiet(quiet=quiet, follow=follow, json=json)
    check = f"solorun runs {project_of(schedule)}"
    with note_if_interrupted(f"The run may or may not have been started. Check with:\n  {check}"):
        run = await client.run_schedule(
            schedule,
            triggered_by=triggered_by,
            on_conflict=on_conflict,
            idempotency_key=idempotency_key,
            on_retry=note_retry,
        )
    await show_started(client, run, follow=follow, json=json, raw=raw, quiet=quiet)
