"""What `start`, `rerun` and `trigger` share: their options, and how they show the run that they have started."""

from typing import Annotated

import typer

from solorun.cli.client import Client
from solorun.cli.commands.follow import follow_run
from solorun.cli.completion import complete_params
from solorun.cli.exit_codes import exit_code_of_status
from solorun.cli.render.formatting import format_labels, format_queue
from solorun.cli.render.messages import print_note
from solorun.cli.render.terminal import write_result
from solorun.cli.render.views import choose_view
from solorun.cli.urls import run_url
from solorun.errors import SolorunError
from solorun.queueing import ConflictPolicy
from solorun.status import Status
from solorun.wire import StartedRun

ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="NAME=VALUE",
        help="Set a parameter (repeatable; several values make a list).",
        autocompletion=complete_params,
    ),
]
SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret", metavar="NAME", help="Read a parameter from the terminal without showing it, or from stdin."
    ),
]
OnConflictOption = Annotated[
    ConflictPolicy | None,
    typer.Option(
        help="What to do if the project or a resource is taken. Default: what the project or the schedule declares."
    ),
]
TriggeredByOption = Annotated[str, typer.Option(metavar="NAME", help="A short name for what starts the run.")]
IdempotencyKeyOption = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Repeating the command with this KEY within 24 hours starts no second run."),
]
FollowOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Show the run until it ends, like `solorun follow`.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the run's id.")]


def check_quiet(*, quiet: bool, follow: bool, json: bool) -> None:
    """Raises BadParameter for options that exclude each other."""
    if quiet and (follow or json):
        other = "--follow" if follow else "--json"
        raise typer.BadParameter(f"Use either --quiet or {other}.", param_hint="--quiet")


def note_retry(cause: SolorunError) -> None:
    print_note(f"{cause.message} Trying again…")


async def show_started(client: Client, run: StartedRun, *, follow: bool, json: bool, raw: bool, quiet: bool) -> None:
    """Print the run, or follow it and exit with the code of its status."""
    for fault in run.configuration_faults:
        print_note(f"solorun.toml is invalid, and the run uses an earlier version: {fault}")
    if run.worker_missing:
        print_note(f"No connected worker has {format_labels(run.labels)}: the run waits for one.")
    page = run_url(client.url, run)
    if follow:
        if not json:
            print_note(page)
        ended = await follow_run(client, run.id, choose_view(run, json=json, raw=raw))
        raise typer.Exit(exit_code_of_status(ended.status))
    text = f"{run.id}" if quiet else f"{_describe(run)}\n  {page}\n  solorun follow {run.id}"
    write_result(run, text, json=json)


def _describe(run: StartedRun) -> str:
    if run.replayed:
        return f"Run {run.id} of {run.project} was already started; it is {run.status}."
    if run.status is not Status.QUEUED:
        return f"{'Joined' if run.joined else 'Started'} run {run.id} of {run.project}."
    return f"Queued run {run.id} of {run.project}: {format_queue(run)}."
