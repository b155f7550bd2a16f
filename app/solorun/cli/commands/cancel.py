"""`solorun cancel`: ask a run to stop, and say what became of it."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.client import find_named_run, with_client
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import DEFAULT_URL, JsonOption, RunArgument, TokenFileOption, UrlOption
from solorun.cli.render.terminal import print_note, write, write_json
from solorun.cli.render.views import ending
from solorun.run import Run
from solorun.status import Status
from solorun.wire import encode

if TYPE_CHECKING:
    from solorun.client import RunClient


def cancel(
    run: RunArgument,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the run.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the run has really ended.")] = True,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a run to stop and wait until its work has. Exit code 0: it is cancelled; 3: it had ended otherwise."""

    async def stop(client: "RunClient") -> Run:
        found = await find_named_run(client, run)
        asked = await client.cancel_run(found.id, reason=reason, requested_by="cli")
        return await _wait(client, asked) if wait else asked

    after = with_client(url, token_file, stop)
    if json:
        write_json(encode(after))
    elif not after.has_ended:
        write(f"Run {after.id} is asked to stop; it is {after.status} until its work has.\n")
    else:
        write(ending(after) + "\n")
    if after.has_ended and after.status is not Status.CANCELLED:
        raise typer.Exit(ExitCode.CONFLICT)


async def _wait(client: "RunClient", run: Run) -> Run:
    if not run.has_ended:
        print_note(f"Run {run.id} is asked to stop.")
    try:
        return await client.wait_for_run(run.id)
    except asyncio.CancelledError:
        print_note(f"Run {run.id} is still active; it ends when its work has.\n  solorun follow {run.id}")
        raise
