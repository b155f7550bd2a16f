"""`solorun restore`: put a backup in the place of the database. The service must be stopped."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from solorun.cli.configuration import find_database_settings
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import DEFAULT_CONFIG, ConfigOption, DataDirOption
from solorun.cli.render.messages import print_error
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import write
from solorun.settings import DataDirectory


def restore(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A backup, as `solorun backup` saves it.", exists=True, dir_okay=False),
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing database. Its runs are lost.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = None,
) -> None:
    """Restore a backup into the data directory. Stop the service first. Exits with 1 if the backup has problems.

    New runs get ids above those in the backup, in the artifacts, and in the database that is replaced.
    """
    from solorun.artifacts.scan import find_last_run_id
    from solorun.stores.directory_lock import own_data_directory
    from solorun.stores.sqlite.restore import restore as restore_backup

    logging.basicConfig(level=logging.WARNING, format="warning: %(message)s", stream=sys.stdout)
    settings, _ = find_database_settings(config, data_dir)
    if settings.database_url is not None:
        raise typer.BadParameter("The runs are in PostgreSQL. Restore them with pg_restore.", param_hint="FILE")
    directory = DataDirectory(settings.data_dir, settings.shared_dir)
    with own_data_directory(directory, owner="restore"):
        database = directory.path / "solorun.db"
        if database.exists() and not force:
            raise typer.BadParameter(f"{database} exists. Use --force to replace it.", param_hint="FILE")
        last_id = find_last_run_id(directory.all_artifacts)
        findings = asyncio.run(restore_backup(file, directory.path, last_id=last_id))
    for finding in findings:
        print_error(f"The backup has a problem: {finding.message}")
    if findings:
        print_error("Nothing was restored.")
        raise typer.Exit(ExitCode.FAILED)
    write(f"Restored {sanitize(str(file))} to {sanitize(str(database))}. It has no problems.\n")
