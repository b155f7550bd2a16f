"""`solorun start`: start a run, and follow it on request."""

from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.client import connected, note_if_interrupted
from solorun.cli.options import JsonOption, RawOption
from solorun.cli.starting import (
    FollowOption,
    OnConflictOption,
    ParamOption,
    QuietOption,
    TriggeredByOption,
    check_quiet,
    parse_params,
    show_started,
)
from solorun.project import FULL_SCOPE

if TYPE_CHECKING:
    from solorun.client import RunClient


@connected
async def start(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Name of the project.")],
    *,
    scope: Annotated[
        str, typer.Option(metavar="SCOPE", help="Steps to run: full, the name of a step, or from:STEP.")
    ] = FULL_SCOPE,
    param: ParamOption = None,
    on_conflict: OnConflictOption = None,
    triggered_by: TriggeredByOption = "cli",
    follow: FollowOption = False,
    client: "RunClient",
    json: JsonOption = False,
    raw: RawOption = False,
    quiet: QuietOption = False,
) -> None:
    """Start a run of PROJECT. Exits with 3 if the project or a resource is taken."""
    check_quiet(quiet=quiet, follow=follow, json=json)
    params = parse_params(param)
    with note_if_interrupted(f"The run may or may not have been started. Check with:\n  solorun runs {project}"):
        run = await client.start_run(
            project, scope=scope, triggered_by=triggered_by, params=params, on_conflict=on_conflict
        )
    await show_started(client, run, follow=follow, json=json, raw=raw, quiet=quiet)
