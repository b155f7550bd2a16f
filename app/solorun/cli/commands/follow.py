"""`solorun follow`: show a run from its beginning until it has ended. Leaving leaves the run alone."""

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import typer

from solorun.cli.client import find_named_run, with_client
from solorun.cli.exit_codes import exit_code_of_status
from solorun.cli.options import DEFAULT_URL, JsonOption, RawOption, RunArgument, TailOption, TokenFileOption, UrlOption
from solorun.cli.render.terminal import print_note
from solorun.cli.render.views import View, choose_view
from solorun.run import Run

if TYPE_CHECKING:
    from solorun.client import LogStream, RunClient


def follow(
    run: RunArgument,
    tail: TailOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    json: JsonOption = False,
    raw: RawOption = False,
) -> None:
    """Show a run's steps, progress and log until it has ended; the exit code tells how. Ctrl-C leaves it alone.

    Progress is a bar on a terminal. Elsewhere it is a line at most once a second, and the last one of each step; --json
    and `solorun log` leave nothing out.
    """

    async def look(client: "RunClient") -> Run:
        found = await find_named_run(client, run)
        return await follow_run(client, found.id, choose_view(found, json=json, raw=raw), tail=tail)

    ended = with_client(url, token_file, look)
    raise typer.Exit(exit_code_of_status(ended.status))


async def follow_run(client: "RunClient", run_id: int, view: View, *, tail: int | None = None) -> Run:
    """Show a run until it has ended. Lost connections are told; when cancelled, by Ctrl-C, that the run goes on."""
    following = client.follow(
        run_id, tail=tail, on_disconnect=lambda cause: print_note(f"{cause.message} Trying again.")
    )
    try:
        return await show_run(following, view)
    except asyncio.CancelledError:
        print_note(f"Run {run_id} goes on.\n  solorun follow {run_id}\n  solorun cancel {run_id}")
        raise


async def show_run(following: "LogStream", view: View) -> Run:
    """Show what is followed in `view` until it has ended."""
    with view:
        async with aclosing(following.batches()) as batches:
            async for batch in batches:
                view.show(batch)
        run = await following.wait()
        view.end(run)
        return run
