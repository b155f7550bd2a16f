"""`solorun wait`: wait until a run ends, without its log."""

import typer

from solorun.cli.client import Client, connected, find_named_run, note_if_interrupted
from solorun.cli.exit_codes import exit_code_of_status
from solorun.cli.options import JsonOption, RunArgument
from solorun.cli.render.formatting import format_queue
from solorun.cli.render.messages import print_note
from solorun.cli.render.terminal import write_result
from solorun.cli.render.views import ending
from solorun.cli.waiting import describe_wait
from solorun.status import Status


@connected
async def wait(run: RunArgument, *, client: Client, json: JsonOption = False) -> None:
    """Wait until a run ends, print how it ended, and exit with its exit code, like `solorun follow`.

    Ctrl-C stops waiting; the run continues.
    """
    found = await find_named_run(client, run)
    if not found.has_ended:
        queued = f", {format_queue(found)}" if found.status is Status.QUEUED else ""
        waits_for = await describe_wait(client, found)
        print_note(f"Waiting for run {found.id}{queued}{f', which waits for {waits_for}' if waits_for else ''}…")
    with note_if_interrupted(f"Stopped waiting. Run {found.id} continues.\n  solorun wait {found.id}"):
        ended = await client.wait_for_run(found.id)
    write_result(ended, ending(ended), json=json)
    raise typer.Exit(exit_code_of_status(ended.status))
