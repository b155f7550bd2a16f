"""`solorun pin`, `unpin` and `prune`: keep runs, and delete those that are no longer kept."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected
from solorun.cli.completion import complete_projects
from solorun.cli.options import JsonOption, RunArgument
from solorun.cli.render.terminal import write, write_json, write_result, write_table
from solorun.run import format_size


@connected
async def pin(run: RunArgument, *, client: Client, json: JsonOption = False) -> None:
    """Pin a run, so that it is never deleted."""
    await _set_pinned(client, run, True, json=json)


@connected
async def unpin(run: RunArgument, *, client: Client, json: JsonOption = False) -> None:
    """Unpin a run, so that it is deleted like any other."""
    await _set_pinned(client, run, False, json=json)


async def _set_pinned(client: Client, name: str, pinned: bool, *, json: bool) -> None:
    found = await client.find_run(name)
    run = await client.set_pinned(found.id, pinned)
    write_result(run, f"{'Pinned' if pinned else 'Unpinned'} run {run.id} of {run.project}.", json=json)


@connected
async def prune(
    *,
    project: Annotated[
        str | None,
        typer.Option(metavar="PROJECT", help="Only runs of this project.", autocompletion=complete_projects),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted, and delete nothing.")] = False,
    client: Client,
    json: JsonOption = False,
) -> None:
    """Delete the ended runs that their projects no longer keep. Their logs and artifacts are deleted too.

    The service does the same by itself every five minutes.
    """
    report = await client.prune(project, dry_run=dry_run)
    if json:
        write_json([report])
    elif not report.runs:
        write("Nothing to delete.\n")
    else:
        rows = [[each.project, f"{each.runs:,}", format_size(each.size_bytes)] for each in report.projects]
        write_table(["PROJECT", "RUNS", "SIZE"], rows)
        what = f"{report.runs:,} run{'s' if report.runs > 1 else ''} with {format_size(report.size_bytes)}"
        write(f"{what} would be deleted.\n" if dry_run else f"Deleting {what} in the background.\n")
