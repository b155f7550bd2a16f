"""`solorun wait`: wait until a run ends, without its log."""

import asyncio
from typing import TYPE_CHECKING

import typer

from solorun.cli.client import find_named_run, with_client
from solorun.cli.exit_codes import exit_code_of_status
from solorun.cli.options import DEFAULT_URL, JsonOption, RunArgument, TokenFileOption, UrlOption
from solorun.cli.render.messages import print_note
from solorun.cli.render.terminal import write, write_json
from solorun.cli.render.views import ending
from solorun.run import Run
from solorun.wire import encode

if TYPE_CHECKING:
    from solorun.client import RunClient


def wait(
    run: RunArgument,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    json: JsonOption = False,
) -> None:
    """Wait until a run ends, print how it ended, and exit with its exit code, like `solorun follow`.

    Ctrl-C stops waiting; the run continues.
    """

    async def until_end(client: "RunClient") -> Run:
        found = await find_named_run(client, run)
        if not found.has_ended:
            print_note(f"Waiting for run {found.id}…")
        try:
            return await client.wait_for_run(found.id)
        except asyncio.CancelledError:
            print_note(f"Stopped waiting. Run {found.id} continues.\n  solorun wait {found.id}")
            raise

    ended = with_client(url, token_file, until_end)
    if json:
        write_json(encode(ended) + b"\n")
    else:
        write(ending(ended) + "\n")
    raise typer.Exit(exit_code_of_status(ended.status))
