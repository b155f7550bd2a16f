"""`solorun follow`: show a run from its beginning until it ends. Interrupting this does not stop the run."""

from contextlib import aclosing
from typing import TYPE_CHECKING

import typer

from solorun.cli.client import Client, connected, find_named_run, note_disconnect, note_if_interrupted
from solorun.cli.exit_codes import exit_code_of_status
from solorun.cli.options import JsonOption, RawOption, RunArgument, TailOption
from solorun.cli.render.messages import print_note
from solorun.cli.render.views import View, choose_view
from solorun.cli.waiting import describe_wait
from solorun.run import Run

if TYPE_CHECKING:
    from solorun.client import LogStream


@connected
async def follow(
    run: RunArgument,
    *,
    tail: TailOption = None,
    client: Client,
    json: JsonOption = False,
    raw: RawOption = False,
) -> None:
    """Show a run's steps, progress and log until it ends, and exit with its exit code.

    Ctrl-C stops following; the run continues. Progress is a bar on a terminal. Elsewhere, it is at most one line per
    second plus the last one of each step; --json and `solorun log` omit nothing.
    """
    found = await find_named_run(client, run)
    if waits_for := await describe_wait(client, found):
        print_note(f"Run {found.id} waits for {waits_for}.")
    ended = await follow_run(client, found.id, choose_view(found, json=json, raw=raw), tail=tail)
    raise typer.Exit(exit_code_of_status(ended.status))


async def follow_run(client: Client, run_id: int, view: View, *, tail: int | None = None) -> Run:
    """Show a run until it ends. Reports lost connections, and that the run continues if this is cancelled."""
    stream = client.follow(run_id, tail=tail, on_disconnect=note_disconnect)
    with note_if_interrupted(
        f"Stopped following. Run {run_id} continues.\n  solorun follow {run_id}\n  solorun cancel {run_id}"
    ):
        return await show_run(stream, view)


async def show_run(stream: "LogStream", view: View) -> Run:
    """Show the followed run in `view` until it ends."""
    with view:
        async with aclosing(stream.batches()) as batches:
            async for batch in batches:
                view.show(batch)
        run = await stream.wait()
        view.end(run)
        return run
