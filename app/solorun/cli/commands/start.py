"""`solorun start`: start a run, and follow it on request."""

from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.client import connected, note_if_interrupted
from solorun.cli.commands.follow import follow_run
from solorun.cli.commands.start_help import describe_parameters
from solorun.cli.exit_codes import exit_code_of_status
from solorun.cli.given_params import read_params
from solorun.cli.options import JsonOption, RawOption
from solorun.cli.render.messages import print_note
from solorun.cli.render.terminal import write, write_json
from solorun.cli.render.views import choose_view
from solorun.cli.urls import run_url
from solorun.project import FULL_SCOPE
from solorun.queueing import ConflictPolicy
from solorun.status import Status

if TYPE_CHECKING:
    from solorun.client import RunClient
    from solorun.wire import StartedRun


@connected
async def start(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Name of the project.")],
    *,
    scope: Annotated[
        str, typer.Option(metavar="SCOPE", help="Steps to run: full, the name of a step, or from:STEP.")
    ] = FULL_SCOPE,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param", "-p", metavar="NAME=VALUE", help="Set a parameter (repeatable; several values make a list)."
        ),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Read a parameter from the terminal without showing it, or from stdin."),
    ] = None,
    on_conflict: Annotated[
        ConflictPolicy | None,
        typer.Option(
            help="What to do if the project or a resource is taken. Default: what the project declares, or reject."
        ),
    ] = None,
    triggered_by: Annotated[str, typer.Option(metavar="NAME", help="A short name for what starts the run.")] = "cli",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show the run until it ends, like `solorun follow`.")
    ] = False,
    describe: Annotated[bool, typer.Option("--describe", hidden=True)] = False,
    context: typer.Context,
    client: "RunClient",
    json: JsonOption = False,
    raw: RawOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the run's id.")] = False,
) -> None:
    """Start a run of PROJECT. Exits with 3 if the project or a resource is taken.

    `solorun start --help PROJECT` also lists the project's parameters.
    """
    if describe:
        write(f"{context.get_help()}\n")
        await describe_parameters(client, project)
        return
    if quiet and (follow or json):
        other = "--follow" if follow else "--json"
        raise typer.BadParameter(f"Use either --quiet or {other}.", param_hint="--quiet")
    params = read_params(param or [], secret or [])
    with note_if_interrupted(f"The run may or may not have been started. Check with:\n  solorun runs {project}"):
        run = await client.start_run(
            project, scope=scope, triggered_by=triggered_by, params=params, on_conflict=on_conflict
        )
    for fault in run.configuration_faults:
        print_note(f"solorun.toml is invalid, and the run uses an earlier version: {fault}")
    page = run_url(client.url, run)
    if follow:
        if not json:
            print_note(page)
        ended = await follow_run(client, run.id, choose_view(run, json=json, raw=raw))
        raise typer.Exit(exit_code_of_status(ended.status))
    if json:
        write_json([run])
    elif quiet:
        write(f"{run.id}\n")
    else:
        write(f"{_describe(run)}\n  {page}\n  solorun follow {run.id}\n")


def _describe(run: "StartedRun") -> str:
    if run.status is not Status.QUEUED:
        return f"{'Joined' if run.joined else 'Started'} run {run.id} of {run.project}."
    begins = f", begins at about {run.estimated_start_at:%H:%M} UTC" if run.estimated_start_at else ""
    return f"Queued run {run.id} of {run.project}: number {run.queue_position} in the queue{begins}."
