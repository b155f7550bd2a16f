"""`solorun start`: start a run, and follow it on request."""

from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.client import connected, note_if_interrupted
from solorun.cli.commands.follow import follow_run
from solorun.cli.exit_codes import exit_code_of_status
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
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Set a parameter (repeatable).")
    ] = None,
    on_conflict: Annotated[
        ConflictPolicy | None,
        typer.Option(
            help="What to do if the project or a resource is taken. Default: what the project declares, or reject."
        ),
    ] = None,
    triggered_by: Annotated[str, typer.Option(metavar="NAME", help="A short name for what starts the run.")] = "cli",
    idempotency_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Repeating the command with this KEY within 24 hours starts no second run."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show the run until it ends, like `solorun follow`.")
    ] = False,
    client: "RunClient",
    json: JsonOption = False,
    raw: RawOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the run's id.")] = False,
) -> None:
    """Start a run of PROJECT. Exits with 3 if the project or a resource is taken."""
    if quiet and (follow or json):
        other = "--follow" if follow else "--json"
        raise typer.BadParameter(f"Use either --quiet or {other}.", param_hint="--quiet")
    params = _parse_params(param or [])
    with note_if_interrupted(f"The run may or may not have been started. Check with:\n  solorun runs {project}"):
        run = await client.start_run(
            project,
            scope=scope,
            triggered_by=triggered_by,
            params=params,
            on_conflict=on_conflict,
            idempotency_key=idempotency_key,
            on_retry=lambda cause: print_note(f"{cause.message} Trying again…"),
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
        is_repeated = run.replayed and idempotency_key is not None
        what = f"This key has already led to run {run.id} of {run.project}, which is {run.status}."
        write(f"{what if is_repeated else _describe(run)}\n  {page}\n  solorun follow {run.id}\n")


def _describe(run: "StartedRun") -> str:
    if run.status is not Status.QUEUED:
        return f"{'Joined' if run.joined else 'Started'} run {run.id} of {run.project}."
    begins = f", begins at about {run.estimated_start_at:%H:%M} UTC" if run.estimated_start_at else ""
    return f"Queued run {run.id} of {run.project}: number {run.queue_position} in the queue{begins}."


def _parse_params(texts: list[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f'"{text}" is not in the form NAME=VALUE.', param_hint="--param")
        if name in params:
            raise typer.BadParameter(f'"{name}" is given twice.', param_hint="--param")
        params[name] = value
    return params
