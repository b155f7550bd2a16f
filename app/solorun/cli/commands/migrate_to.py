"""`solorun migrate-to`: copy the database of a stopped service into PostgreSQL."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from solorun.cli.configuration import find_database_settings
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.render.messages import print_error
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import is_terminal, write, write_table
from solorun.errors import ConfigurationInvalid, DatabaseUnusable, FieldError
from solorun.settings import DataDirectory

_NEXT_STEPS = """
Next:
  1. Set database_url in [service] of solorun.toml, or SOLORUN_DATABASE_URL, to the URL.
  2. Start the service. It continues with the queue, the schedules and the ids of runs.

Artifacts and workspaces stay in {files}. Other machines need a directory that they share (shared_dir), or a
bucket (artifact_store).
The old database, {database}, is unchanged. Delete it when you no longer need it.
"""


def migrate_to(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            envvar="SOLORUN_DATABASE_URL",
            show_envvar=False,
            help="An empty PostgreSQL database: postgresql://user@host/name. Default: SOLORUN_DATABASE_URL.",
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check both databases and count the rows, but copy nothing.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
) -> None:
    """Copy the SQLite database into an empty PostgreSQL database. Stop the service first.

    All rows are copied in one transaction and compared with the originals, and the copy is checked as `doctor` would.
    If anything fails, the PostgreSQL database stays empty. The SQLite database is only read.
    """
    from solorun.engine import missing_cluster_extra
    from solorun.stores.directory_lock import own_data_directory

    try:
        from solorun.stores.postgres import ParamCipher
        from solorun.stores.transfer import TransferFailed, list_abandoned_runs, transfer
    except ImportError as error:
        raise missing_cluster_extra("migrate-to", error) from error

    logging.basicConfig(level=logging.WARNING, format="warning: %(message)s", stream=sys.stdout)
    url = _check_url(url)
    settings, _ = find_database_settings(config, data_dir)
    directory = DataDirectory(settings.data_dir, settings.shared_dir)
    database = directory.path / "solorun.db"
    if not database.exists():
        raise DatabaseUnusable(f"There is no database in {directory.path}. Name the data directory with --data-dir.")
    try:
        with own_data_directory(directory, owner="migrate-to"), _progress() as report:
            abandoned = list_abandoned_runs(database)
            if not dry_run:
                asyncio.run(_kill_orphans(directory, abandoned))
            tables = transfer(database, url, ParamCipher.of(settings), dry_run=dry_run, report=report)
    except TransferFailed as failed:
        for finding in failed.findings:
            print_error(f"The database has a problem: {finding.message}")
        print_error("Nothing was migrated. `solorun doctor --fix` repairs what can be repaired.")
        raise typer.Exit(ExitCode.FAILED) from None
    write_table(["TABLE", "ROWS"], [[table.name, f"{table.row_count:,}"] for table in tables if table.row_count])
    for run_id in abandoned:
        write(f"Run {run_id} was active when the last service was killed. The next service ends it.\n")
    if dry_run:
        write("These rows would be copied. Both databases are ready.\n")
    else:
        write("Copied to PostgreSQL. The rows are equal, and the database has no problems.\n")
        write(_NEXT_STEPS.format(files=sanitize(str(directory.files)), database=sanitize(str(database))))


async def _kill_orphans(directory: DataDirectory, run_ids: list[int]) -> None:
    """The service that ends the runs may be on another machine."""
    from solorun.steps import StepDispatcher

    steps = StepDispatcher(directory.files, os.environ)
    for run_id in run_ids:
        await steps.kill_orphans(run_id)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """Shows an activity, how many rows are done, and their number: on a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, transient=True, disable=not is_terminal()) as bar:
        task = bar.add_task("Connecting", total=None)
        yield lambda activity, done, total: bar.update(task, description=activity, completed=done, total=total)


def _check_url(url: str) -> str:
    from solorun.projects.service_table import database_url
    from solorun.projects.validation import Node

    errors: list[FieldError] = []
    checked = Node(url, "URL", errors, Path.cwd()).read(database_url, None)
    if checked is None:
        raise ConfigurationInvalid(errors)
    return checked
