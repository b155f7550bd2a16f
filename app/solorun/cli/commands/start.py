"""`solorun start`: start a run, and perhaps follow it."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from solorun.cli.client import with_client
from solorun.cli.commands.follow import follow_run
from solorun.cli.exit_codes import exit_code_of_status
from solorun.cli.options import DEFAULT_URL, JsonOption, RawOption, TokenFileOption, UrlOption
from solorun.cli.render.terminal import print_note, write, write_json
from solorun.cli.render.views import choose_view
from solorun.cli.urls import run_address
from solorun.project import FULL_SCOPE
from solorun.run import Run
from solorun.wire import encode

if TYPE_CHECKING:
    from solorun.client import RunClient


def start(
    project: Annotated[str, typer.Argument(help="The project's name.")],
    scope: Annotated[str, typer.Option(help="full, a step, or from:<step>.")] = FULL_SCOPE,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter; repeatable.")
    ] = None,
    triggered_by: Annotated[str, typer.Option(help="Who or what starts it, a short word.")] = "cli",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show the run until it has ended, as `solorun follow` does.")
    ] = False,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    json: JsonOption = False,
    raw: RawOption = False,
) -> None:
    """Start a run of PROJECT. Exit code 3 when it has an active one: nothing is started then."""
    params = _parse_params(param or [])

    async def begin(client: "RunClient") -> tuple[Run, str]:
        try:
            run = await client.start_run(project, scope=scope, triggered_by=triggered_by, params=params)
        except asyncio.CancelledError:
            print_note(f"Whether a run was started is not known here.\n  solorun runs {project}")
            raise
        address = run_address(client.url, run)
        if follow:
            if not json:
                print_note(address)
            run = await follow_run(client, run.id, choose_view(run, json=json, raw=raw))
        return run, address

    run, address = with_client(url, token_file, begin)
    if follow:
        raise typer.Exit(exit_code_of_status(run.status))
    if json:
        write_json(encode(run))
    else:
        write(f"Run {run.id} of {run.project} is {run.status}.\n  {address}\n  solorun follow {run.id}\n")


def _parse_params(texts: list[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f'"{text}" is not NAME=VALUE.', param_hint="--param")
        if name in params:
            raise typer.BadParameter(f'"{name}" is given twice.', param_hint="--param")
        params[name] = value
    return params
