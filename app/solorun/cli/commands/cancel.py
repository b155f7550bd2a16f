"""`solorun cancel`: cancel a run and report how it ended."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.client import find_named_run, with_client
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import DEFAULT_URL, JsonOption, RunArgument, TokenFileOption, UrlOption
from solorun.cli.render.messages import print_note
from solorun.cli.render.terminal import write, write_json
from solorun.cli.render.views import ending
from solorun.run import Run
from solorun.status import Status
from solorun.wire import encode

if TYPE_CHECKING:
    from solorun.client import RunClient


def cancel(
    run: RunArgument,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reason, stored with the run.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the run has ended.")] = True,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    json: JsonOption = False,
) -> None:
    """Cancel a run and wait until its work has stopped.

    Exits with 0 if the run was cancelled, and with 3 if it ended in another way.
    """

    async def stop(client: "RunClient") -> Run:
        found = await find_named_run(client, run)
        cancelling = await client.cancel_run(found.id, reason=reason, requested_by="cli")
        return await _wait(client, cancelling) if wait else cancelling

    result = with_client(url, token_file, stop)
    if json:
        write_json(encode(result) + b"\n")
    elif not result.has_ended:
        write(f"Cancelling run {result.id}. It stays active until its work has stopped.\n")
    else:
        write(ending(result) + "\n")
    if result.has_ended and result.status is not Status.CANCELLED:
        raise typer.Exit(ExitCode.CONFLICT)


async def _wait(client: "RunClient", run: Run) -> Run:
    if not run.has_ended:
        print_note(f"Cancelling run {run.id}…")
    try:
        return await client.wait_for_run(run.id)
    except asyncio.CancelledError:
        print_note(f"Stopped waiting. Run {run.id} is still being cancelled.\n  solorun follow {run.id}")
        raise
