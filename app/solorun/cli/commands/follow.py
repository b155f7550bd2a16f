"""`solorun follow`, `wait` and `cancel`: show a run or wait for its end. Interrupting this does not stop the run."""

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.client import Client, connected, note_disconnect, note_if_interrupted
from solorun.cli.exit_codes import ExitCode, exit_code_of_status
from solorun.cli.options import JsonOption, RawOption, RunArgument, TailOption
from solorun.cli.render.formatting import format_queue
from solorun.cli.render.messages import print_note
from solorun.cli.render.terminal import write_result
from solorun.cli.render.views import View, choose_view, ending
from solorun.cli.waiting import describe_wait
from solorun.run import Run
from solorun.status import Status

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
    """Show a run's steps, progress and log until it ends. Exits with the run's exit code.

    Ctrl-C stops following; the run continues. Progress is a bar on a terminal. Elsewhere, it is at most one line per
    second plus the last one of each step; --json and `solorun log` omit nothing.
    """
    found = await client.find_run(run)
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


@connected
async def wait(run: RunArgument, *, client: Client, json: JsonOption = False) -> None:
    """Wait until a run ends, and print how it ended. Exits with the run's exit code, like `solorun follow`.

    Ctrl-C stops waiting; the run continues.
    """
    found = await client.find_run(run)
    if not found.has_ended:
        queued = f", {format_queue(found)}" if found.status is Status.QUEUED else ""
        waits_for = await describe_wait(client, found)
        print_note(f"Waiting for run {found.id}{queued}{f', which waits for {waits_for}' if waits_for else ''}…")
    with note_if_interrupted(f"Stopped waiting. Run {found.id} continues.\n  solorun wait {found.id}"):
        ended = await client.wait_for_run(found.id)
    write_result(ended, ending(ended), json=json)
    raise typer.Exit(exit_code_of_status(ended.status))


@connected
async def cancel(
    run: RunArgument,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reason, stored with the run.")] = "",
    now: Annotated[bool, typer.Option("--now", help="Kill the work now, without a grace period.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the run has ended.")] = True,
    client: Client,
    json: JsonOption = False,
) -> None:
    """Cancel a run and wait until its work has stopped.

    If it is being cancelled already, --now ends its grace period. Exits with 0 if the run was cancelled, and with
    3 if it ended in another way.
    """
    found = await client.find_run(run)
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
