"""`solorun cancel`: cancel a run and report how it ended."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected, find_named_run, note_if_interrupted
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import JsonOption, RunArgument
from solorun.cli.render.messages import print_note
from solorun.cli.render.terminal import write_result
from solorun.cli.render.views import ending
from solorun.status import Status


@connected
async def cancel(
    run: RunArgument,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reason, stored with the run.")] = "",
    now: Annotated[bool, typer.Option("--now", help="Kill the work now, without a grace.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the run has ended.")] = True,
    client: Client,
    json: JsonOption = False,
) -> None:
    """Cancel a run and wait until its work has stopped.

    If it is being cancelled already, --now ends its grace. Exits with 0 if the run was cancelled, and with 3 if it
    ended in another way.
    """
    found = await find_named_run(client, run)
    grace_seconds = 0 if now else None
    result = await client.cancel_run(found.id, reason=reason, requested_by="cli", grace_seconds=grace_seconds)
    if wait:
        if not result.has_ended:
            print_note(f"Cancelling run {found.id}…")
        with note_if_interrupted(
            f"Stopped waiting. Run {found.id} is still being cancelled.\n  solorun follow {found.id}"
        ):
            result = await client.wait_for_run(found.id)
    cancelling = f"Cancelling run {result.id}. It stays active until its work has stopped."
    write_result(result, ending(result) if result.has_ended else cancelling, json=json)
    if result.has_ended and result.status is not Status.CANCELLED:
        raise typer.Exit(ExitCode.CONFLICT)
