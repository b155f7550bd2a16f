"""`solorun start`: start a run, and follow it on request."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected, note_if_interrupted
from solorun.cli.commands.start_help import describe_parameters
from solorun.cli.completion import complete_scopes
from solorun.cli.given_params import read_params
from solorun.cli.options import JsonOption, ProjectArgument, RawOption
from solorun.cli.render.terminal import write
from solorun.cli.starting import (
    FollowOption,
    IdempotencyKeyOption,
    OnConflictOption,
    ParamOption,
    QuietOption,
    SecretOption,
    TriggeredByOption,
    check_quiet,
    note_retry,
    show_started,
)
from solorun.project import FULL_SCOPE


@connected
async def start(
    project: ProjectArgument,
    *,
    scope: Annotated[
        str,
        typer.Option(
            metavar="SCOPE",
            help="Steps to run: full, the name of a step, or from:STEP.",
            autocompletion=complete_scopes,
        ),
    ] = FULL_SCOPE,
    param: ParamOption = None,
    secret: SecretOption = None,
    on_conflict: OnConflictOption = None,
    triggered_by: TriggeredByOption = "cli",
    idempotency_key: IdempotencyKeyOption = None,
    follow: FollowOption = False,
    describe: Annotated[bool, typer.Option("--describe", hidden=True)] = False,
    context: typer.Context,
    client: Client,
    json: JsonOption = False,
    raw: RawOption = False,
    quiet: QuietOption = False,
) -> None:
    """Start a run of PROJECT. Exits with 3 if the project or a resource is taken.

    `solorun start --help PROJECT` also lists the project's parameters.
    """
    if describe:
        write(f"{context.get_help()}\n")
        await describe_parameters(client, project)
        return
    check_quiet(quiet=quiet, follow=follow, json=json)
    params = read_params(param, secret)
    with note_if_interrupted(f"The run may or may not have been started. Check with:\n  solorun runs {project}"):
        run = await client.start_run(
            project,
            scope=scope,
            triggered_by=triggered_by,
            params=params,
            on_conflict=on_conflict,
            idempotency_key=idempotency_key,
            on_retry=note_retry,
        )
    await show_started(client, run, follow=follow, json=json, raw=raw, quiet=quiet)
